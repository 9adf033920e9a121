import errno
import multiprocessing
import os
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nightsweep.search.errors import DataError
from nightsweep.trainables import checkpoint, manifest
from nightsweep.trainables.host import Host
from nightsweep.trainables.job import Answer, End, Ended, Job, Message, Step, Waits
from nightsweep.trainables.trial import Trial

Function = Callable[[Trial], Any]


class Slot:
    """A host that can be asked for one message after another."""

    def __init__(self, function: Function, folder: Path) -> None:
        self.host = Host(function)
        self._folder = folder
        self._waiting: list[Message] = []

    def start(self, trial: int = 1, **changes: Any) -> None:
        values: dict[str, Any] = {
            "trial": trial,
            "config": {},
            "epoch": 0,
            "until": 3,
            "max_epochs": 3,
            "metrics": ("val_loss",),
            "seed": trial,
            "folder": self._folder / str(trial),
        }
        self.host.start(Job(**values | changes))

    def next(self) -> Message:
        """The next message; the test fails where none comes."""
        for _ in range(20):
            if self._waiting:
                return self._waiting.pop(0)
            self._waiting = self.host.poll(0.5)
        raise AssertionError("the training function sends nothing more")

    def ended(self) -> Ended:
        """How the training function ends, whatever it reports until then."""
        while not isinstance(message := self.next(), Ended):
            pass
        return message

    def halt_at(self, epoch: int) -> None:
        """Answer the step of this epoch, which waits: the trial is to halt."""
        while not (isinstance(step := self.next(), Step) and step.waits):
            pass
        assert step.epoch == epoch
        self.host.answer(Answer(trial=step.trial, until=None))


def ending(function: Function, folder: Path, **changes: Any) -> Ended:
    """How one training function ends."""
    slot = Slot(function, folder)
    slot.start(**changes)
    return slot.ended()


def train(trial: Trial) -> None:
    for _ in trial.epochs():
        trial.report(val_loss=0.5)


def returned(trial: int = 1) -> Ended:
    return Ended(trial=trial, end=End.RETURNED)


def test_a_function_that_returns_has_returned(tmp_path: Path) -> None:
    assert ending(train, tmp_path) == returned()


def test_an_exception_costs_the_trial_and_says_what_was_raised(tmp_path: Path) -> None:
    def train(trial: Trial) -> None:
        raise ValueError("lr is too large\nand more lines")

    ended = ending(train, tmp_path)
    assert (ended.end, ended.reason) == (End.FAILED, "raised ValueError: lr is too large")
    assert ended.traceback.endswith("ValueError: lr is too large\nand more lines")


def test_an_exception_without_words_is_named_by_its_kind(tmp_path: Path) -> None:
    def train(trial: Trial) -> None:
        raise EOFError

    assert ending(train, tmp_path).reason == "raised EOFError"


def test_a_traceback_holds_the_user_s_frames_alone(tmp_path: Path) -> None:
    def evaluate() -> None:
        raise ValueError("no data")

    def train(trial: Trial) -> None:
        for _ in trial.epochs():
            evaluate()

    first = evaluate.__code__.co_firstlineno
    assert ending(train, tmp_path).traceback.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{__file__}", line {first + 5}, in train',
        "    evaluate()",
        f'  File "{__file__}", line {first + 1}, in evaluate',
        '    raise ValueError("no data")',
        "ValueError: no data",
    ]


def test_the_traceback_of_a_wrong_report_ends_in_the_user_s_line(tmp_path: Path) -> None:
    def train(trial: Trial) -> None:
        trial.report(val_loss=None)

    assert ending(train, tmp_path).traceback.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{__file__}", line {train.__code__.co_firstlineno + 1}, in train',
        "    trial.report(val_loss=None)",
        "nightsweep.trainables.metrics.ReportError: reported val_loss as None; report a number",
    ]


def test_a_wrong_report_is_its_own_reason(tmp_path: Path) -> None:
    ended = ending(lambda trial: trial.report(loss=0.5), tmp_path)
    assert ended.end is End.FAILED
    assert ended.reason == (
        'reported no val_loss, the metric of this sweep; it reported loss. Did you mean "loss"?'
    )


def test_data_that_cannot_be_used_is_its_own_reason_without_a_traceback(tmp_path: Path) -> None:
    def train(trial: Trial) -> None:
        raise DataError("prices.csv is not there")

    ended = ending(train, tmp_path)
    assert (ended.end, ended.reason) == (End.FAILED, "prices.csv is not there")
    assert not ended.traceback


@pytest.mark.parametrize(("code", "shown"), [(0, "0"), (3, "3"), ("no GPU", "'no GPU'")])
def test_sys_exit_costs_the_trial_not_the_slot(tmp_path: Path, code: Any, shown: str) -> None:
    slot = Slot(lambda trial: sys.exit(code) if trial.id == 1 else train(trial), tmp_path)
    slot.start(1)
    ended = slot.ended()
    assert (ended.end, ended.reason) == (End.FAILED, f"called sys.exit({shown})")
    slot.start(2)
    assert slot.ended() == returned(2)


def test_a_function_that_never_reports_has_failed(tmp_path: Path) -> None:
    assert ending(lambda trial: None, tmp_path) == Ended(
        trial=1,
        end=End.FAILED,
        reason="never reported val_loss; call trial.report(val_loss=...) each epoch",
    )


def test_a_function_may_return_its_only_report(tmp_path: Path) -> None:
    slot = Slot(lambda trial: {"val_loss": 0.5, "f1": 0.9}, tmp_path)
    slot.start(until=1, max_epochs=1)
    step = slot.next()
    assert isinstance(step, Step)
    assert (step.epoch, step.metrics) == (1, {"val_loss": 0.5, "f1": 0.9})
    assert slot.next() == returned()


def test_the_last_report_of_a_loop_left_by_break_is_sent(tmp_path: Path) -> None:
    def leaving(trial: Trial) -> None:
        for _ in trial.epochs():
            trial.report(val_loss=0.5)
            break

    slot = Slot(leaving, tmp_path)
    slot.start(until=1)
    step = slot.next()
    assert isinstance(step, Step)
    assert (step.epoch, step.waits) == (1, False)
    assert slot.next() == returned()


def test_a_trial_that_was_told_to_halt_says_when_its_function_has_returned(tmp_path: Path) -> None:
    slot = Slot(train, tmp_path)
    slot.start(1, until=1)
    slot.start(2)
    slot.halt_at(epoch=1)
    assert slot.next() == Ended(trial=1, end=End.HALTED)
    step = slot.next()
    assert (step.trial, isinstance(step, Step)) == (2, True)
    assert slot.ended() == returned(2)


def test_what_a_halted_function_raises_on_its_way_out_is_not_held_against_it(
    tmp_path: Path,
) -> None:
    def fragile(trial: Trial) -> None:
        train(trial)
        if trial.id == 1:
            raise ValueError("no file to close")

    slot = Slot(fragile, tmp_path)
    slot.start(1, until=1)
    slot.start(2)
    slot.halt_at(epoch=1)
    assert slot.next() == Ended(trial=1, end=End.HALTED)
    assert slot.ended() == returned(2)


def test_an_answer_lets_a_waiting_trial_go_on(tmp_path: Path) -> None:
    slot = Slot(train, tmp_path)
    slot.start(until=1)
    step = slot.next()
    assert isinstance(step, Step)
    assert step.waits
    slot.host.answer(Answer(trial=1, until=3))
    assert slot.ended() == returned()


def test_halt_makes_the_next_report_wait(tmp_path: Path) -> None:
    at_work, told = threading.Event(), threading.Event()

    def patient(trial: Trial) -> None:
        at_work.set()
        told.wait(10)
        train(trial)

    slot = Slot(patient, tmp_path)
    slot.start()
    assert at_work.wait(10)
    slot.host.halt()
    told.set()
    slot.halt_at(epoch=1)


def test_jobs_run_one_after_another_in_one_thread(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def train(trial: Trial) -> dict[str, float]:
        seen.append((trial.id, threading.get_ident()))
        return {"val_loss": 0.5}

    slot = Slot(train, tmp_path)
    for trial in (3, 1, 2):
        slot.start(trial, until=1, max_epochs=1)
    assert [slot.ended().trial for _ in range(3)] == [3, 1, 2]
    assert [trial for trial, _ in seen] == [3, 1, 2]
    assert len({thread for _, thread in seen} - {threading.get_ident()}) == 1


def test_what_is_printed_goes_to_the_trial_s_log(tmp_path: Path) -> None:
    def train(trial: Trial) -> dict[str, float]:
        print(f"trial {trial.id} speaks")
        print("and complains", file=sys.stderr)
        return {"val_loss": 0.5}

    slot = Slot(train, tmp_path)
    for trial in (1, 2):
        slot.start(trial, until=1, max_epochs=1)
        slot.ended()
    assert (tmp_path / "1" / "log.txt").read_text() == "trial 1 speaks\nand complains\n"
    assert (tmp_path / "2" / "log.txt").read_text() == "trial 2 speaks\nand complains\n"


def test_a_failure_is_written_to_the_trial_s_log_after_earlier_attempts(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "log.txt").write_text("the first attempt\n")
    ended = ending(lambda trial: [][0], tmp_path)
    log = (tmp_path / "1" / "log.txt").read_text()
    assert log == f"the first attempt\n{ended.traceback}\n"


def test_a_trial_whose_log_cannot_be_written_fails_and_the_slot_lives_on(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("a file where the trial's folder belongs")
    slot = Slot(train, tmp_path)
    slot.start(1)
    ended = slot.ended()
    assert ended.trial == 1
    assert ended.end is not End.RETURNED
    slot.start(2)
    assert slot.ended() == returned(2)


class Stateful:
    def __init__(self, state: Any) -> None:
        self.state = state

    def state_dict(self) -> dict[str, Any]:
        return {"state": self.state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...


def test_a_checkpoint_whose_place_is_taken_costs_its_trial(tmp_path: Path) -> None:
    def taken(trial: Trial) -> None:
        trial.keep(nothing=Stateful(None))
        (trial.folder / f".writing-{os.getpid()}").write_text("in the way")
        train(trial)

    assert ending(taken, tmp_path, until=1) == Ended(
        trial=1,
        end=End.FAILED,
        reason=f"{tmp_path}/1/epoch-1 cannot be written (File exists)",
    )


def test_a_trial_waits_where_its_run_folder_is_away_and_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    def leave(trial: Trial) -> None:
        trial.keep(nothing=Stateful(None))
        (tmp_path / "trials").rename(tmp_path / "away")
        train(trial)

    (tmp_path / "trials").mkdir()
    slot = Slot(leave, tmp_path / "trials")
    slot.start(until=1)
    waits = slot.next()
    assert waits == Waits(
        trial=1,
        reason=f"{tmp_path}/trials/1/epoch-1 cannot be written (No such file or directory)",
    )
    (tmp_path / "away").rename(tmp_path / "trials")
    slot.halt_at(1)
    assert checkpoint.epochs(tmp_path / "trials" / "1") == [1]


def test_a_trial_that_is_told_to_halt_while_it_waits_gives_up(tmp_path: Path) -> None:
    def leave(trial: Trial) -> None:
        trial.keep(nothing=Stateful(None))
        (tmp_path / "trials").rename(tmp_path / "away")
        train(trial)

    (tmp_path / "trials").mkdir()
    slot = Slot(leave, tmp_path / "trials")
    slot.start(until=1)
    assert isinstance(slot.next(), Waits)
    slot.host.halt()
    assert slot.ended() == Ended(
        trial=1,
        end=End.UNSAVED,
        reason=f"{tmp_path}/trials/1/epoch-1 cannot be written (No such file or directory)",
    )


def test_a_checkpoint_on_storage_that_is_away_is_waited_for_and_not_taken_for_lost(
    tmp_path: Path,
) -> None:
    (tmp_path / "away").mkdir()
    checkpoint.put(tmp_path / "away" / "1", 1, mark)
    slot = Slot(train, tmp_path / "trials")
    slot.start(epoch=1)
    assert slot.next() == Waits(
        trial=1,
        reason=f"{tmp_path}/trials/1/log.txt cannot be written (No such file or directory)",
    )
    (tmp_path / "away").rename(tmp_path / "trials")
    assert slot.ended() == returned(1)


def mark(aside: Path) -> None:
    (aside / "mark").write_text("state")


def test_a_trial_whose_checkpoint_is_damaged_is_to_go_on_from_an_older_one(tmp_path: Path) -> None:
    for epoch in (1, 3, 9):
        checkpoint.put(tmp_path / "1", epoch, mark)
    for epoch in (3, 9):
        (checkpoint.place(tmp_path / "1", epoch) / "mark").write_text("STATE")
    assert ending(train, tmp_path, epoch=9, max_epochs=27) == Ended(
        trial=1,
        end=End.LOST,
        reason="its checkpoint after epoch 9 is damaged (mark is not what was written); "
        "went on from epoch 1",
        epoch=1,
    )


def test_a_trial_whose_checkpoint_is_gone_is_to_begin_again(tmp_path: Path) -> None:
    assert ending(train, tmp_path, epoch=9, max_epochs=27) == Ended(
        trial=1,
        end=End.LOST,
        reason="its checkpoint after epoch 9 is gone (removed for want of room, or from outside); "
        "began again",
    )


def test_a_checkpoint_that_cannot_be_read_for_a_while_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.put(tmp_path / "1", 1, mark)

    def stale(path: Path) -> str:
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as away:
        away.setattr(manifest, "damage", stale)
        slot = Slot(train, tmp_path)
        slot.start(epoch=1)
        reason = f"{tmp_path}/1/epoch-1 cannot be read (Stale file handle)"
        assert slot.next() == Waits(trial=1, reason=reason)
    assert slot.ended() == returned(1)


@pytest.mark.parametrize("state", [lambda: None, multiprocessing.Lock()], ids=["lambda", "lock"])
def test_a_state_that_cannot_be_saved_costs_its_trial(tmp_path: Path, state: Any) -> None:
    def unsound(trial: Trial) -> None:
        trial.keep(thing=Stateful(state))
        train(trial)

    assert ending(unsound, tmp_path, until=1).end is End.FAILED


def test_poll_collects_reports_until_a_decision_is_due(tmp_path: Path) -> None:
    slot = Slot(train, tmp_path)
    slot.start(until=2)
    messages = slot.host.poll(60)
    assert [(m.epoch, m.waits) for m in messages if isinstance(m, Step)] == [(1, False), (2, True)]
    slot.host.answer(Answer(trial=1, until=None))


def test_poll_comes_back_in_time_from_a_function_that_reports_without_end(tmp_path: Path) -> None:
    enough = threading.Event()

    def train(trial: Trial) -> None:
        for _ in trial.epochs(200_000):
            if not enough.is_set():
                trial.report(val_loss=0.5)

    slot = Slot(train, tmp_path)
    slot.start(until=10**9, max_epochs=10**9)
    while not (messages := slot.host.poll(0.01)):
        pass
    enough.set()
    assert isinstance(messages[-1], Step)


def test_each_trial_starts_from_its_own_seed_whatever_was_drawn_before(tmp_path: Path) -> None:
    drawn: dict[int, list[tuple[float, float, float]]] = {1: [], 2: []}

    def train(trial: Trial) -> dict[str, float]:
        draw = random.random(), float(np.random.random()), torch.rand(1).item()
        drawn[trial.id].append(draw)
        return {"val_loss": 0.5}

    slot = Slot(train, tmp_path)
    for trial in (1, 2, 1):
        slot.start(trial, seed=4_000_000_000 + trial, until=1, max_epochs=1)
        slot.ended()
    assert drawn[1][0] == drawn[1][1]
    assert all(a != b for a, b in zip(drawn[1][0], drawn[2][0], strict=True))


def test_secrets_that_an_error_names_are_not_sent_and_not_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(trial: Trial) -> None:
        monkeypatch.setenv("DB_PASSWORD", "hunter-2222")  # as dotenv would
        raise ConnectionError("no postgres://ann:pw@db/x with hunter-2222")

    ended = ending(train, tmp_path)
    assert ended.reason == "raised ConnectionError: no postgres://***@db/x with ***"
    assert ended.traceback.endswith("ConnectionError: no postgres://***@db/x with ***")


def test_a_halt_that_is_taken_back_makes_no_report_wait(tmp_path: Path) -> None:
    told = threading.Event()

    def train(trial: Trial) -> None:
        for _ in trial.epochs():
            told.wait()
            trial.report(val_loss=0.5)

    slot = Slot(train, tmp_path)
    slot.start(until=2)
    slot.host.halt()
    slot.host.halt(wanted=False)
    told.set()
    slot.halt_at(epoch=2)
