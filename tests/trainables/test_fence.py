"""A worker that was cut off writes no more, once another trains its trial."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nightsweep.trainables import checkpoint
from nightsweep.trainables.fence import NAME, Fence, Superseded
from nightsweep.trainables.job import End
from nightsweep.trainables.trial import Trial

from .test_host import Slot


def test_the_last_that_came_may_write(tmp_path: Path) -> None:
    first, second = Fence(tmp_path, "a 1 1"), Fence(tmp_path, "b 1 2")
    first.check()  # nobody came yet
    first.enter()
    first.check()
    second.enter()
    second.check()
    with pytest.raises(Superseded):
        first.check()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_two_attempts_of_one_process_are_two(tmp_path: Path) -> None:
    first, second = Fence.of(tmp_path, 1), Fence.of(tmp_path, 2)
    first.enter()
    second.enter()
    with pytest.raises(Superseded):
        first.check()


def test_an_earlier_attempt_that_comes_late_does_not_enter(tmp_path: Path) -> None:
    second = Fence(tmp_path, "b 1 2")
    second.enter()
    with pytest.raises(Superseded):
        Fence(tmp_path, "a 1 1").enter()
    second.check()


@pytest.mark.parametrize("written", ["", "a 1 one", "\x00\x00"])
def test_a_mark_that_cannot_be_read_is_written_over(tmp_path: Path, written: str) -> None:
    (tmp_path / NAME).write_text(written)
    Fence(tmp_path, "a 1 1").enter()
    Fence(tmp_path, "a 1 1").check()


def test_a_link_that_was_put_there_leads_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / NAME).symlink_to(outside)
    Fence(tmp_path / "1", "a 1 1").enter()
    assert outside.read_text() == "mine"


def test_a_trial_that_another_worker_trains_saves_nothing_and_ends(tmp_path: Path) -> None:
    def train(trial: Trial) -> None:
        model = torch.nn.Linear(1, 1)
        trial.keep(model=model)
        for epoch in trial.epochs():
            if epoch == 2:  # its node is cut off here, and the trial goes on elsewhere
                checkpoint.save(trial.folder, 1, checkpoint.state_of({"model": model}))
                Fence(trial.folder, "another host 7 2").enter()
            trial.report(val_loss=1.0)

    slot = Slot(train, tmp_path)
    slot.start(until=2)
    assert slot.ended().end is End.HALTED
    assert checkpoint.epochs(tmp_path / "1") == [1]
    assert "another worker trains this trial" in (tmp_path / "1/log.txt").read_text()
