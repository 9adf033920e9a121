from pathlib import Path
from typing import Any

import pytest
from ray import tune

from nightsweep.cluster.raytune import TuneSession
from nightsweep.trainables.job import Answer, Job, Message, Step
from nightsweep.trainables.metrics import ReportError
from nightsweep.trainables.trial import Trial

VALUES: dict[str, Any] = {"config": {}, "epoch": 0, "until": 1, "max_epochs": 3, "seed": 1}


class NoDriver:
    """Nobody is told anything."""

    halting = False

    def send(self, message: Message) -> None:
        raise AssertionError(f"{message} was sent")

    def ask(self, step: Step) -> Answer:
        raise AssertionError(f"{step} was sent")


def test_a_checkpoint_that_the_function_has_removed_itself_costs_its_trial(
    tmp_path: Path,
) -> None:
    """It is not storage that is away for a while, which is waited for."""
    job = Job(trial=1, metrics=("loss",), folder=tmp_path / "1", **VALUES)
    session = TuneSession(Trial(job, NoDriver()))
    gone = tmp_path / "gone"
    with pytest.raises(ReportError, match=f"reported a checkpoint in {gone}, which is not there"):
        session.report({"loss": 0.5}, checkpoint=tune.Checkpoint(str(gone)))
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["worker"]
