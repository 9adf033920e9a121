import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from nightsweep.trainables.job import Answer, Job, Message, Step
from nightsweep.trainables.trial import Halted, ReportError, Trial


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class FakeLink:
    """Answers waiting steps from a list (then: halt), and notes down what it was sent."""

    def __init__(self, *answers: int | None) -> None:
        self.halting = False
        self.sent: list[Step] = []
        self.asked: list[Step] = []
        self._answers = iter(answers)

    def send(self, message: Message) -> None:
        assert isinstance(message, Step)
        self.sent.append(message)

    def ask(self, step: Step) -> Answer:
        self.asked.append(step)
        return Answer(trial=step.trial, until=next(self._answers, None))


def job(**changes: Any) -> Job:
    values: dict[str, Any] = {
        "trial": 7,
        "config": {"lr": 0.1},
        "epoch": 0,
        "until": 9,
        "max_epochs": 9,
        "metrics": ("val_loss",),
        "seed": 1,
        "folder": Path("nowhere"),
    }
    return Job(**values | changes)


def epochs_of(steps: list[Step]) -> list[int]:
    return [step.epoch for step in steps]


def reporting(trial: Trial, last: int | None = None, value: float = 0.5) -> Iterator[int]:
    """A training loop that does nothing but report; yields its epochs."""
    for epoch in trial.epochs(last):
        trial.report(val_loss=value)
        yield epoch


def refusal(trial: Trial, **metrics: Any) -> str:
    with pytest.raises(ReportError) as caught:
        trial.report(**metrics)
    return str(caught.value)


def test_a_trial_knows_its_id_config_seed_and_folder() -> None:
    trial = Trial(job(), FakeLink())
    assert (trial.id, trial.config, trial.seed) == (7, {"lr": 0.1}, 1)
    assert (trial.max_epochs, trial.folder) == (9, Path("nowhere"))


def test_epochs_count_from_one_to_the_last() -> None:
    trial = Trial(job(max_epochs=3, until=3), FakeLink())
    seen = []
    for epoch in trial.epochs():
        seen.append(epoch)
        trial.report(val_loss=0.5)
    assert seen == [1, 2, 3]


def test_epochs_go_on_after_those_done() -> None:
    trial = Trial(job(epoch=3, until=5, max_epochs=5), FakeLink())
    assert trial.epoch == 3
    assert list(reporting(trial)) == [4, 5]


def test_epochs_end_at_the_function_s_own_last_one() -> None:
    link = FakeLink()
    assert list(reporting(Trial(job(), link), last=4)) == [1, 2, 3, 4]
    assert link.asked == []


def test_a_last_epoch_beyond_the_sweep_s_is_not_trained() -> None:
    assert list(reporting(Trial(job(max_epochs=3, until=3), FakeLink()), last=100)) == [1, 2, 3]


def test_a_trial_that_has_done_its_own_last_epoch_trains_none() -> None:
    assert list(reporting(Trial(job(epoch=4), FakeLink()), last=4)) == []


def test_epochs_without_a_report_still_count() -> None:
    link = FakeLink()
    trial = Trial(job(max_epochs=4, until=4), link)
    seen = []
    for epoch in islice(trial.epochs(), 10):
        seen.append(epoch)
        if epoch % 2 == 0:
            trial.report(val_loss=0.5)
    assert seen == [1, 2, 3, 4]
    assert epochs_of(link.sent) == [2, 4]


def test_epochs_that_are_never_reported_come_to_an_end() -> None:
    assert list(islice(Trial(job(max_epochs=3), FakeLink()).epochs(100), 10)) == [1, 2, 3]


def test_reports_between_rungs_do_not_wait() -> None:
    link = FakeLink()
    list(reporting(Trial(job(), link), last=8))
    assert epochs_of(link.sent) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert not any(step.waits or step.checkpoint for step in link.sent)


def test_at_a_rung_the_trial_waits_and_goes_on_until_the_next() -> None:
    link = FakeLink(3, 9)
    assert list(reporting(Trial(job(until=1), link))) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert epochs_of(link.asked) == [1, 3]
    assert all(step.waits for step in link.asked)


def test_epochs_end_when_the_answer_is_to_halt() -> None:
    link = FakeLink(3, None)
    trial = Trial(job(until=1), link)
    assert list(reporting(trial)) == [1, 2, 3]
    assert trial.halted


def test_the_last_epoch_is_reported_without_waiting() -> None:
    link = FakeLink()
    trial = Trial(job(until=2, max_epochs=2), link)
    list(reporting(trial))
    assert link.asked == []
    assert [(step.epoch, step.waits) for step in link.sent] == [(1, False), (2, False)]
    assert trial.halted


def test_a_trial_told_to_halt_waits_at_its_next_report() -> None:
    link = FakeLink()
    seen = []
    for epoch in reporting(Trial(job(), link)):
        seen.append(epoch)
        link.halting = epoch == 1
    assert seen == [1, 2]
    assert (epochs_of(link.sent), epochs_of(link.asked)) == ([1], [2])


def test_a_decision_is_asked_for_when_the_epoch_s_body_has_ended() -> None:
    link = FakeLink()
    trial = Trial(job(until=1), link)
    for _ in trial.epochs():
        trial.report(val_loss=0.5)
        assert link.asked == []
    assert epochs_of(link.asked) == [1]


def test_a_plain_loop_reports_epochs_in_turn_and_waits_in_report() -> None:
    link = FakeLink(9)
    trial = Trial(job(until=2), link)
    for _ in range(3):
        trial.report(val_loss=0.5)
    assert (epochs_of(link.sent), epochs_of(link.asked)) == ([1, 3], [2])


def test_a_plain_loop_is_ended_by_the_report_that_halts_it() -> None:
    trial = Trial(job(until=2), FakeLink())
    trial.report(val_loss=0.5)
    with pytest.raises(Halted):
        trial.report(val_loss=0.5)


def test_a_plain_loop_may_count_its_own_epochs() -> None:
    link = FakeLink()
    trial = Trial(job(), link)
    trial.report(epoch=2, val_loss=0.5)
    trial.report({"epoch": torch.tensor(5).item(), "val_loss": 0.5})
    assert epochs_of(link.sent) == [2, 5]


def test_metrics_come_as_a_mapping_or_as_names_or_both() -> None:
    link = FakeLink()
    Trial(job(), link).report({"val_loss": 0.5, "val/f1": 0.9}, train_loss=0.4)
    assert link.sent[0].metrics == {"val_loss": 0.5, "val/f1": 0.9, "train_loss": 0.4}


def test_a_second_report_in_an_epoch_is_refused() -> None:
    trial = Trial(job(), FakeLink())
    for _ in trial.epochs():
        trial.report(val_loss=0.5)
        assert refusal(trial, val_loss=0.4) == "reported epoch 1 twice; report once an epoch"
        break


@pytest.mark.parametrize("epoch", [3, 2])
def test_an_epoch_out_of_order_is_refused(epoch: int) -> None:
    trial = Trial(job(epoch=3), FakeLink())
    assert refusal(trial, epoch=epoch, val_loss=0.5) == f"reported epoch {epoch} after epoch 3"


@pytest.mark.parametrize("epoch", [4.5, True, "4"])
def test_an_epoch_that_is_no_whole_number_is_refused(epoch: object) -> None:
    told = f"reported epoch {epoch!r}; epochs are 1, 2, 3 ..."
    assert refusal(Trial(job(epoch=3), FakeLink()), epoch=epoch, val_loss=0.5) == told


def test_a_refused_report_leaves_the_trial_where_it_was() -> None:
    link = FakeLink()
    trial = Trial(job(), link)
    assert refusal(trial, valloss=0.5) == (
        "reported no val_loss, the metric of this sweep; it reported valloss. "
        'Did you mean "valloss"?'
    )
    assert (trial.epoch, link.sent, link.asked) == (0, [], [])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_waits_for_the_decision(value: float) -> None:
    link = FakeLink()
    list(reporting(Trial(job(until=9), link), value=value))
    assert epochs_of(link.asked) == [1]
    assert str(link.asked[0].metrics["val_loss"]) == str(value)


def test_nan_in_any_metric_of_the_sweep_waits_for_the_decision() -> None:
    link = FakeLink()
    trial = Trial(job(metrics=("val_loss", "f1"), until=9), link)
    for _ in trial.epochs():
        trial.report(val_loss=0.5, f1=math.nan)
    assert epochs_of(link.asked) == [1]


def test_nan_in_another_metric_does_not_wait() -> None:
    link = FakeLink()
    Trial(job(), link).report(val_loss=0.5, f1=math.nan)
    assert (epochs_of(link.sent), link.asked) == ([1], [])


def test_a_report_after_the_halt_ends_the_function_even_under_except_exception() -> None:
    trial = Trial(job(until=1), FakeLink())
    list(reporting(trial))

    def careless() -> None:
        try:
            trial.report(val_loss=0.1)
        except Exception:
            pytest.fail("a training loop's own `except Exception` has caught the halt")

    with pytest.raises(Halted):
        careless()


def test_leaving_the_loop_by_break_sends_the_last_report_on_flush() -> None:
    link = FakeLink()
    trial = Trial(job(until=2), link)
    for epoch in trial.epochs():
        trial.report(val_loss=0.5)
        if epoch == 2:
            break
    assert epochs_of(link.sent) == [1]
    trial.flush()
    trial.flush()
    assert epochs_of(link.sent) == [1, 2]
    assert not link.sent[1].waits


def test_seconds_are_those_since_the_last_report_without_waiting_for_decisions() -> None:
    now = 0.0

    class Slow(FakeLink):
        def ask(self, step: Step) -> Answer:
            nonlocal now
            now += 1000.0
            return super().ask(step)

    link = Slow(9)
    trial = Trial(job(until=2), link, clock=lambda: now)
    for seconds in (2.0, 3.0, 5.0):
        now += seconds
        trial.report(val_loss=0.5)
    assert [step.seconds for step in link.sent + link.asked] == [2.0, 5.0, 3.0]


def test_a_trial_without_gpus_trains_on_the_cpu() -> None:
    assert Trial(job(gpus=0), FakeLink()).device == "cpu"


def test_a_trial_with_gpus_trains_on_one_where_there_is_one() -> None:
    device = Trial(job(gpus=0.5), FakeLink()).device
    assert device == ("cuda" if torch.cuda.is_available() else "cpu")


def test_report_saving_asks_the_caller_for_a_checkpoint_only_where_a_decision_is_due() -> None:
    link, saved = FakeLink(9), list[int]()

    def save(epoch: int) -> bool:
        saved.append(epoch)
        return True

    trial = Trial(job(until=2), link)
    for _ in range(3):
        trial.report_saving({"val_loss": 0.5}, save)
    assert saved == [2]
    assert [(step.epoch, step.checkpoint) for step in link.asked] == [(2, True)]


def test_report_saving_ends_the_function_when_the_answer_is_to_halt() -> None:
    trial = Trial(job(until=1), FakeLink())
    with pytest.raises(Halted):
        trial.report_saving({"val_loss": 0.5}, lambda epoch: False)
    with pytest.raises(Halted):
        trial.report_saving({"val_loss": 0.5}, lambda epoch: False)
