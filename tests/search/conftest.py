"""What the tests of search share: files written by hand, and a sweep that needs no training."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from nightsweep.search import Decision, Study, Sweep
from nightsweep.search.events import FORMAT, Event
from nightsweep.search.journal import Journal
from nightsweep.search.results import Results
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.space import Config

settings.register_profile("search", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("search")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a text file into a new folder: `write("sweep.yaml", text)`."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def toy_sweep() -> Sweep:
    """One parameter, rungs at 1 and 3 of 9 epochs, random search."""
    return Sweep(
        name="toy",
        metric="val_loss",
        parameters={"lr": {"min": 1e-4, "max": 1.0, "log": True, "default": 1e-3}},
        max_epochs=9,
        trials=9,
        sampler="random",
        scheduler={"name": "asha", "audit": 0},
    )


@pytest.fixture
def toy_loss() -> Callable[[Config, int], float]:
    """A loss that falls with each epoch, lowest for lr = 0.01."""
    return lambda config, epoch: (math.log10(config["lr"]) + 2) ** 2 + 1 / epoch


@pytest.fixture
def train(
    toy_loss: Callable[[Config, int], float],
) -> Callable[[Study], list[tuple[int, int, float, str]]]:
    """Trains one trial after the other until `ask` has nothing more; tells what happened."""

    def train(study: Study) -> list[tuple[int, int, float, str]]:
        story = []
        while trial := study.ask():
            epoch, decision = trial.epoch, Decision.CONTINUE
            while decision is Decision.CONTINUE:
                epoch += 1
                loss = toy_loss(trial.config, epoch)
                decision = study.report(trial.id, epoch, {"val_loss": loss}, seconds=2.0)
                story.append((trial.id, epoch, loss, str(decision)))
        return story

    return train


@pytest.fixture
def new_run(tmp_path: Path) -> Callable[[Sweep], RunFolder]:
    """Makes a run folder with its sweep.json, and no events yet."""

    def new_run(sweep: Sweep) -> RunFolder:
        folder = RunFolder.create(tmp_path / "run")
        header = {"format": FORMAT, "sweep": sweep.model_dump(mode="json")}
        folder.resolved.write_text(json.dumps(header), encoding="utf-8")
        folder.journal.touch()
        return folder

    return new_run


@pytest.fixture
def results_of(
    new_run: Callable[[Sweep], RunFolder],
) -> Callable[[Sweep, list[Event]], Results]:
    """The results of a run folder that holds these events, eight a second."""

    def results_of(sweep: Sweep, events: list[Event]) -> Results:
        folder = new_run(sweep)
        times = iter(1700000000 + i / 8 for i in range(len(events)))
        journal = Journal(folder.journal, lambda: next(times))
        for event in events:
            journal.append(event)
        journal.close()
        return Results.load(folder.path)

    return results_of
