import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ray import tune

from nightsweep.cluster.raytune import TuneSession, run_tune_class
from nightsweep.trainables.host import Host
from nightsweep.trainables.job import Answer, Ended, Job, Message, Step
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


class Listening:
    """Takes in what is sent."""

    halting = False

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def ask(self, step: Step) -> Answer:
        raise AssertionError(f"{step} waits")


RESULT = {
    "loss": torch.tensor(0.5), "note": "good", "eval": {"f1": np.float32(0.25), "rows": [1, 2]},
    "all": np.zeros(3), "none": None, "flag": True,
}  # fmt: skip
NUMBERS = {"loss": 0.5, "eval/f1": 0.25, "flag": 1}


def test_of_what_a_function_reports_the_numbers_are_taken(tmp_path: Path) -> None:
    link = Listening()
    values = VALUES | {"until": 3}
    session = TuneSession(
        Trial(Job(trial=1, metrics=("loss",), folder=tmp_path / "1", **values), link)
    )
    session.report(RESULT)
    assert [step.metrics for step in link.sent if isinstance(step, Step)] == [NUMBERS]
    with pytest.raises(ReportError, match="reported loss as a str; report a number"):
        session.report({"loss": "low"})


def test_of_what_a_class_reports_the_numbers_are_taken(tmp_path: Path) -> None:
    class Wordy(tune.Trainable):
        def step(self) -> dict[str, Any]:
            return dict(RESULT)

    steps, _ = trained(Wordy, tmp_path / "1", until=3)
    assert [step.metrics for step in steps] == 3 * [NUMBERS]


class Descent(tune.Trainable):
    """Gradient descent on x squared, as Ray Tune's users write it."""

    def setup(self, config: dict[str, Any]) -> None:
        self.x, self.rate, self.calls = 5.0, config["lr"], config.get("calls")
        self.tell("setup")

    def step(self) -> dict[str, Any]:
        self.x -= self.rate * 2 * self.x
        loss = self.x * self.x
        self.tell(f"step {self.iteration}")
        return {"loss": loss, "eval": {"x": self.x}, "name": "descent", "done": loss < 0.01}

    def save_checkpoint(self, checkpoint_dir: str) -> Any:
        Path(checkpoint_dir, "x.json").write_text(json.dumps(self.x))

    def load_checkpoint(self, checkpoint: Any) -> None:
        self.x = json.loads(Path(checkpoint, "x.json").read_text())
        self.tell("load")

    def cleanup(self) -> None:
        self.tell("cleanup")

    def tell(self, what: str) -> None:
        if self.calls:
            with open(self.calls, "a") as file:
                file.write(f"{what}\n")


class Returning(Descent):
    """Its state is a dict that it returns."""

    def save_checkpoint(self, checkpoint_dir: str) -> Any:
        return {"x": self.x}

    def load_checkpoint(self, checkpoint: Any) -> None:
        self.x = checkpoint["x"]


class Keeping(Descent):
    """It has no checkpoints."""

    save_checkpoint = tune.Trainable.save_checkpoint


class Secretive(Descent):
    """Its state could not be read back without running code."""

    def save_checkpoint(self, checkpoint_dir: str) -> Any:
        return {"x": Descent}


def trained(kind: Any, folder: Path, **changes: Any) -> tuple[list[Step], Ended]:
    """What a trial has reported, and how it ended; a step that waits is told to halt."""
    config = {"lr": 0.05, "calls": str(folder.parent / "calls")}
    given = VALUES | {"config": config, "max_epochs": 9, "until": 9} | changes
    host = Host(lambda trial: run_tune_class(kind, trial))
    host.start(Job(trial=1, metrics=("loss",), folder=folder, **given))
    steps: list[Step] = []
    while True:
        for message in host.poll(1.0):
            if isinstance(message, Ended):
                return steps, message
            assert isinstance(message, Step)
            steps.append(message)
            if message.waits:
                host.answer(Answer(trial=1, until=None))


def losses(steps: list[Step]) -> dict[int, float]:
    return {step.epoch: step.metrics["loss"] for step in steps}


def test_each_step_of_a_class_is_an_epoch(tmp_path: Path) -> None:
    here = os.getcwd()
    steps, ended = trained(Descent, tmp_path / "1")
    assert (list(losses(steps)), ended.end) == (list(range(1, 10)), "returned")
    assert losses(steps)[1] == pytest.approx(20.25)
    assert set(steps[0].metrics) == {"loss", "eval/x"}, "numbers, and none of Tune's own"
    called = (tmp_path / "calls").read_text().splitlines()
    assert called == ["setup", *(f"step {n}" for n in range(9)), "cleanup"]
    assert (os.getcwd(), "RAY_CHDIR_TO_TRIAL_DIR" in os.environ) == (here, False)


def test_done_ends_it_and_is_saved_without_a_decision(tmp_path: Path) -> None:
    steps, ended = trained(Descent, tmp_path / "1", config={"lr": 0.49}, until=1)
    assert (len(steps), ended.end) == (1, "returned")
    assert (steps[0].waits, steps[0].checkpoint) == (False, True)
    assert (tmp_path / "1" / "epoch-1" / "x.json").exists()


@pytest.mark.parametrize("kind", [Descent, Returning])
def test_a_class_that_was_paused_goes_on_as_if_it_had_not_been(tmp_path: Path, kind: Any) -> None:
    straight, _ = trained(kind, tmp_path / "1")
    first, paused = trained(kind, tmp_path / "2", until=3)
    then, ended = trained(kind, tmp_path / "2", epoch=3, attempt=2)
    assert (first[-1].checkpoint, paused.end, ended.end) == (True, "halted", "returned")
    assert losses(first) | losses(then) == losses(straight)
    assert "step 3" in (tmp_path / "calls").read_text().splitlines()[-8:]


def test_one_without_checkpoints_is_not_paused(tmp_path: Path) -> None:
    steps, ended = trained(Keeping, tmp_path / "1", until=3)
    assert (steps[-1].checkpoint, ended.end) == (False, "halted")


def test_a_state_that_could_not_be_read_back_costs_the_trial(tmp_path: Path) -> None:
    _, ended = trained(Secretive, tmp_path / "1", until=3)
    assert ended.reason.startswith("save_checkpoint returned a dict with more than tensors, ")
    assert "let it write files into the folder" in ended.reason


def test_a_class_knows_its_trial_and_its_folder(tmp_path: Path) -> None:
    class Asking(Descent):
        def step(self) -> dict[str, Any]:
            assert (self.trial_id, self.trial_name) == ("1", "1")
            assert self.logdir == str(tmp_path / "1")
            assert "__trial_info__" not in self.config
            return super().step()

    _, ended = trained(Asking, tmp_path / "1")
    assert ended.end == "returned"
