import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from nightsweep.trainables import checkpoint
from nightsweep.trainables.job import Answer, Job, Message, Step
from nightsweep.trainables.trial import Trial, Unsaved


class HaltingLink:
    """Tells a trial to halt at its first decision; `look` is called before."""

    def __init__(self, look: Callable[[Step], None] = lambda step: None) -> None:
        self.halting = False
        self.asked: list[Step] = []
        self.sent: list[Step] = []
        self._look = look

    def send(self, message: Message) -> None:
        assert isinstance(message, Step)
        self.sent.append(message)

    def ask(self, step: Step) -> Answer:
        self._look(step)
        self.asked.append(step)
        return Answer(trial=step.trial, until=None)


class PatientLink(HaltingLink):
    """Lets a trial go on, with a decision due at each epoch."""

    def ask(self, step: Step) -> Answer:
        super().ask(step)
        return Answer(trial=step.trial, until=step.epoch + 1)


class Counter:
    """Something to keep: one number."""

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.count = state_dict["count"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "trials").mkdir()
    return tmp_path / "trials" / "7"


def job(folder: Path, *, epoch: int = 0, until: int = 9, pauses: bool = True) -> Job:
    return Job(
        trial=7,
        config={},
        epoch=epoch,
        until=until,
        max_epochs=9,
        metrics=("val_loss",),
        seed=1,
        folder=folder,
        pauses=pauses,
    )


def save(folder: Path, epoch: int, kept: dict[str, checkpoint.Keepable]) -> None:
    checkpoint.save(folder, epoch, checkpoint.state_of(kept))


def reporting(trial: Trial, last: int | None = None) -> Iterator[int]:
    """A training loop that does nothing but report; yields its epochs."""
    for epoch in trial.epochs(last):
        trial.report(val_loss=0.5)
        yield epoch


def test_what_comes_after_report_belongs_to_its_epoch(folder: Path) -> None:
    counter, trial = Counter(), Trial(job(folder, until=2), HaltingLink())
    trial.keep(counter=counter)
    for _ in trial.epochs():
        trial.report(val_loss=0.5)
        counter.count += 1
    assert checkpoint.load(folder, 2)["kept"] == {"counter": {"count": 2}}


def test_a_trial_that_keeps_nothing_has_no_checkpoint(folder: Path) -> None:
    link = HaltingLink()
    list(reporting(Trial(job(folder, until=1), link)))
    assert [step.checkpoint for step in link.asked] == [False]
    assert not folder.exists()


def test_a_trial_that_keeps_something_has_a_checkpoint_when_it_asks(folder: Path) -> None:
    def look(step: Step) -> None:
        assert checkpoint.place(folder, step.epoch).is_dir()

    link = HaltingLink(look)
    trial = Trial(job(folder, until=3), link)
    trial.keep(counter=Counter())
    list(reporting(trial))
    assert [step.checkpoint for step in link.asked] == [True]
    assert sorted(path.name for path in folder.iterdir()) == ["epoch-3", "worker"]


def test_a_trial_told_to_halt_saves_itself_at_its_next_report(folder: Path) -> None:
    link = HaltingLink()
    trial = Trial(job(folder, until=9), link)
    trial.keep(counter=Counter())
    for epoch in reporting(trial):
        link.halting = epoch == 1
    assert [(step.epoch, step.checkpoint) for step in link.asked] == [(2, True)]


def test_where_no_decision_pauses_none_costs_a_checkpoint(folder: Path) -> None:
    link = PatientLink()
    trial = Trial(job(folder, until=1, pauses=False), link)
    trial.keep(counter=Counter())
    assert list(reporting(trial)) == list(range(1, 10))
    assert [(step.epoch, step.checkpoint) for step in link.asked] == [
        (epoch, False) for epoch in range(1, 9)
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["epoch-9", "worker"]


def test_where_no_decision_pauses_the_order_to_halt_does_cost_one(folder: Path) -> None:
    link = PatientLink()
    trial = Trial(job(folder, until=1, pauses=False), link)
    trial.keep(counter=Counter())
    for epoch in reporting(trial, last=4):
        link.halting = epoch == 2
    assert [step.epoch for step in link.asked if step.checkpoint] == [2]


def test_where_no_decision_pauses_the_state_is_saved_now_and_then(folder: Path) -> None:
    link, ticks = PatientLink(), iter(range(0, 10**6, 40))
    trial = Trial(job(folder, until=1, pauses=False), link, clock=lambda: next(ticks))
    trial.keep(counter=Counter())
    list(reporting(trial, last=8))
    saved = [step.epoch for step in link.asked if step.checkpoint]
    assert 2 <= len(saved) <= 5


def test_where_no_decision_pauses_one_is_asked_for_when_the_body_has_ended(folder: Path) -> None:
    link = PatientLink()
    trial = Trial(job(folder, until=1, pauses=False), link)
    for epoch in trial.epochs(2):
        trial.report(val_loss=0.5)
        assert [step.epoch for step in link.asked] == list(range(1, epoch))


def test_keep_refuses_what_has_no_state() -> None:
    with pytest.raises(TypeError) as caught:
        Trial(job(Path("nowhere")), HaltingLink()).keep(optimizer="sgd")  # type: ignore[arg-type]
    assert str(caught.value) == (
        "trial.keep(optimizer=...) needs an object with state_dict and load_state_dict, not str"
    )


def test_keep_restores_a_trial_that_goes_on(folder: Path) -> None:
    save(folder, 3, {"counter": Counter(12)})
    counter = Counter()
    Trial(job(folder, epoch=3), HaltingLink()).keep(counter=counter)
    assert counter.count == 12


def test_keep_leaves_a_new_trial_alone(folder: Path) -> None:
    save(folder, 3, {"counter": Counter(12)})
    counter = Counter()
    Trial(job(folder), HaltingLink()).keep(counter=counter)
    assert counter.count == 0


def test_keep_may_be_called_for_one_thing_after_another(folder: Path) -> None:
    save(folder, 3, {"a": Counter(1), "b": Counter(2)})
    a, b = Counter(), Counter()
    trial = Trial(job(folder, epoch=3, until=4), HaltingLink())
    trial.keep(a=a)
    trial.keep(b=b)
    list(reporting(trial))
    assert (a.count, b.count) == (1, 2)
    assert checkpoint.load(folder, 4)["kept"] == {"a": {"count": 1}, "b": {"count": 2}}


def test_a_name_that_the_checkpoint_does_not_hold_is_refused(folder: Path) -> None:
    save(folder, 3, {"model": Counter()})
    with pytest.raises(KeyError, match="the checkpoint of trial 7 holds no 'ema'"):
        Trial(job(folder, epoch=3), HaltingLink()).keep(model=Counter(), ema=Counter())


def test_a_trial_that_goes_on_draws_the_numbers_it_would_have_drawn(folder: Path) -> None:
    torch.manual_seed(5)
    save(folder, 1, {"counter": Counter()})
    expected = torch.rand(4)
    torch.manual_seed(99)
    trial = Trial(job(folder, epoch=1, until=2), HaltingLink())
    trial.keep(counter=Counter())
    drawn = [torch.rand(4) for _ in reporting(trial)]
    assert torch.equal(drawn[0], expected)


def test_a_second_loop_over_epochs_does_not_turn_the_generators_back(folder: Path) -> None:
    save(folder, 1, {"counter": Counter()})
    trial = Trial(job(folder, epoch=1), HaltingLink())
    trial.keep(counter=Counter())
    warm_up = [torch.rand(4) for _ in reporting(trial, last=2)]
    main_part = [torch.rand(4) for _ in reporting(trial, last=3)]
    assert not torch.equal(warm_up[0], main_part[0])


def test_a_checkpoint_that_cannot_be_written_ends_the_function_whatever_it_catches(
    folder: Path,
) -> None:
    trial = Trial(job(folder, until=1), HaltingLink())
    trial.keep(counter=Counter())
    shutil.rmtree(folder)
    folder.write_text("a file where the folder belongs")

    def careless() -> None:
        try:
            list(reporting(trial))
        except Exception:
            pytest.fail("a training loop's own `except Exception` has caught it")

    with pytest.raises(Unsaved):
        careless()


def test_between_distant_rungs_the_state_is_saved_now_and_then(folder: Path) -> None:
    link, ticks = HaltingLink(), iter(range(0, 10**6, 40))
    trial = Trial(job(folder, until=9), link, clock=lambda: next(ticks))
    trial.keep(counter=Counter())
    for epoch in reporting(trial):
        if epoch == 8:
            break
    saved = [step.epoch for step in link.sent if step.checkpoint]
    assert len(saved) >= 2
    assert link.asked == []
    names = sorted(path.name for path in folder.iterdir())
    assert names == [*(f"epoch-{e}" for e in saved[-2:]), "worker"]


def test_what_the_driver_may_know_of_last_outlives_the_end(folder: Path) -> None:
    """From a node that is lost it hears no more, while the trial there may train to its end."""
    link, ticks = HaltingLink(), iter(range(0, 10**6, 40))
    trial = Trial(job(folder, until=9), link, clock=lambda: next(ticks))
    trial.keep(counter=Counter())
    list(reporting(trial))
    *_, known, later, last = [step.epoch for step in link.sent if step.checkpoint]
    assert last == 9
    assert checkpoint.epochs(folder) == [known, later, last]
