"""The checkpoints of a run folder, as a driver keeps them: about a thousand bytes each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.run import resume, start
from nightsweep.cluster.shelf import Shelf, free_bytes
from nightsweep.search import Decision, Study, Sweep
from nightsweep.search.errors import RunFolderError
from nightsweep.search.runfolder import RunFolder
from nightsweep.trainables import checkpoint

from .conftest import Evening

PLENTY = 10**12


class Night:
    """A study whose trials leave checkpoints in a run folder, and the shelf that looks after it.

    Trial n of the grid has loss n + 1/epoch; rungs at 1 and 3 of 9 epochs.
    """

    def __init__(self, path: Path, **changes: Any) -> None:
        values: dict[str, Any] = {
            "metric": "loss",
            "parameters": {"x": {"values": list(range(1, 31))}},
            "sampler": "grid",
            "scheduler": {"name": "asha", "audit": 0},
            "trials": 30,
            "max_epochs": 9,
        }
        self.folder = RunFolder.create(path)
        self.free = PLENTY
        self.size = 900
        self.shelf = Shelf(self.folder, lambda path: self.free)
        self.study = Study(Sweep(**values | changes), self.shelf.note)

    def ask(self) -> int:
        """The trial that a slot gets next."""
        trial = self.study.ask()
        assert trial is not None
        return trial.id

    def train(self, trial: int) -> None:
        """Train a trial until it pauses or ends, to a checkpoint at each rung."""
        known, decision = self.study.trials[trial], Decision.CONTINUE
        while decision is Decision.CONTINUE:
            epoch = known.epoch + 1
            if epoch == known.until:
                self.save(trial, epoch)
            loss = known.config["x"] + 1 / epoch
            decision = self.study.report(
                trial, epoch, {"loss": loss}, checkpoint=epoch == known.until
            )

    def save(self, trial: int, epoch: int) -> None:
        checkpoint.put(self.folder.trial(trial), epoch, self.write)

    def write(self, aside: Path) -> None:
        (aside / "state.pt").write_bytes(b"." * self.size)

    def look(self) -> None:
        self.shelf.look(self.study)

    @property
    def kept(self) -> dict[int, list[int]]:
        """The epochs whose checkpoints there are, of each trial that has some."""
        found = {int(f.name): checkpoint.epochs(f) for f in self.folder.trials.iterdir()}
        return {trial: found[trial] for trial in sorted(found) if found[trial]}


Begin = Callable[..., Night]


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Begins a night whose sweep differs: `begin(trials=9)`."""
    return lambda **changes: Night(tmp_path / "run", **changes)


def leftovers(folder: Path) -> list[str]:
    """Files and folders on their way to a name, or away from it."""
    return sorted(path.name for path in folder.rglob(".*") if path.name != ".manifest.json")


def a_dead_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def test_only_what_a_decision_may_need_is_kept_as_a_sweep_goes_on(begin: Begin) -> None:
    night = begin()
    while trial := night.study.ask():
        assert not trial.epoch or trial.epoch in night.kept[trial.id]
        night.train(trial.id)
        night.look()
    assert night.study.best is not None
    assert night.study.best.id in night.kept
    assert len(night.kept) < 12
    assert all(len(epochs) == 1 for epochs in night.kept.values())


def test_the_best_ended_trials_keep_their_last_checkpoint(begin: Begin) -> None:
    night = begin(scheduler="none", max_epochs=2, trials=5)
    for _ in range(5):
        trial = night.ask()
        night.save(trial, 1)
        night.train(trial)
        night.look()
    assert night.kept == {1: [2], 2: [2], 3: [2]}


def test_under_a_budget_the_worst_paused_trial_loses_its_own(begin: Begin) -> None:
    night = begin(checkpoints={"max": "1MB"})
    night.size = 300_000
    for trial in (1, 2, 3, 1, 4):
        assert night.ask() == trial
        night.train(trial)
        night.look()
    assert night.kept == {1: [3], 2: [1], 3: [1]}


def test_on_a_full_disk_the_worst_paused_trial_makes_room_for_one_that_trains(
    begin: Begin,
) -> None:
    night = begin()
    for trial in [night.ask() for _ in range(4)]:
        night.train(trial)
    night.look()
    assert night.ask() == 1
    night.free = 0
    night.look()
    assert sorted(night.kept) == [1, 2, 3]
    assert night.shelf.notice.startswith("about ")


def test_a_trial_that_goes_on_is_not_touched(begin: Begin) -> None:
    night = begin()
    for trial in [night.ask() for _ in range(3)]:
        night.train(trial)
    night.look()
    promoted = night.ask()
    night.free = 0
    night.look()
    assert promoted in night.kept


def test_nothing_is_looked_at_while_nothing_has_happened(begin: Begin) -> None:
    night = begin()
    night.train(night.ask())
    night.look()
    night.shelf.sizes[7] = 1000  # somebody would see that there is no trial 7
    night.look()


def test_reports_between_rungs_are_no_reason_to_look(begin: Begin) -> None:
    night = begin(scheduler="none")
    trial = night.ask()
    night.look()
    night.study.report(trial, 1, {"loss": 1.0})
    night.shelf.sizes[7] = 1000
    night.look()


def test_what_killed_processes_have_left_is_removed_when_a_run_goes_on(begin: Begin) -> None:
    night = begin()
    for trial in [night.ask() for _ in range(3)]:
        night.train(trial)
    dead = a_dead_process()
    night.folder.best.mkdir()
    for path in (
        night.folder.path / f".trials.csv.{dead}",
        night.folder.best / f".best.json.{dead}",
    ):
        path.write_text("half")
    for trial, name in ((1, ".writing-12"), (2, ".going-1-12")):
        (night.folder.trial(trial) / name).mkdir()
        (night.folder.trial(trial) / name / "half").write_text("half")
    night.shelf.tidy(night.study)
    assert leftovers(night.folder.path) == []
    assert sorted(night.kept) == [1, 2, 3]


def test_a_file_that_another_process_is_writing_is_left_to_it(begin: Begin) -> None:
    night = begin()
    path = night.folder.path / f".trials.csv.{os.getpid()}"
    path.write_text("half")
    night.shelf.tidy(night.study)
    assert path.exists()


def test_those_that_go_on_to_a_later_last_epoch_keep_theirs_while_they_wait(
    begin: Begin,
) -> None:
    night = begin(scheduler="none", max_epochs=2, trials=3)
    for _ in range(3):
        night.train(night.ask())
    night.shelf.tidy(night.study)
    night.study.change(max_epochs=4)
    night.ask()
    night.look()
    assert night.kept == {1: [2], 2: [2], 3: [2]}


def test_a_removal_that_was_cut_short_is_made_up_for_when_a_run_goes_on(begin: Begin) -> None:
    night = begin(scheduler="none", max_epochs=1, trials=5)
    for _ in range(5):
        night.train(night.ask())
    night.shelf.tidy(night.study)
    assert sorted(night.kept) == [1, 2, 3]
    night.shelf.tidy(night.study)
    assert sorted(night.kept) == [1, 2, 3]


def test_a_trial_that_was_in_training_keeps_its_older_checkpoint_too(begin: Begin) -> None:
    night = begin()
    trial = night.ask()
    night.save(trial, 1)
    night.save(trial, 2)
    night.study.interrupt(trial, "its driver ended")
    night.shelf.tidy(night.study)
    assert night.kept == {1: [1, 2]}


def test_a_run_without_room_for_one_more_checkpoint_does_not_go_on(begin: Begin) -> None:
    night = begin()
    night.train(night.ask())
    night.shelf.tidy(night.study)
    night.shelf.check_room()
    night.free = 500
    with pytest.raises(
        RunFolderError, match=r"take up to 1\.\d+ KB, and only 500 bytes are free in .*: make room"
    ):
        night.shelf.check_room()


def test_a_budget_that_is_not_on_the_disk_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    sweep = Sweep(
        train="nightsweep.trainables.digits:train",
        metric="loss",
        parameters={"x": {"min": 0.0, "max": 1.0}},
        checkpoints={"max": "900000TB"},
    )
    with pytest.raises(RunFolderError, match=r"may take 9e\+05 TB .*, but only .* are free in"):
        start(sweep, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["trials", "trials/1"])
def test_a_file_where_a_folder_belongs_is_refused_in_a_sentence(
    finished: Evening, name: str
) -> None:
    place = finished.folder.path / name
    shutil.rmtree(place)
    place.touch()
    with pytest.raises(RunFolderError, match=f"{name} cannot be written: "):
        resume(finished.folder.path)


def test_a_name_that_no_folder_can_have_is_refused_in_a_sentence(tmp_path: Path) -> None:
    sweep = Sweep(
        train="nightsweep.trainables.digits:train",
        metric="loss",
        parameters={"x": {"min": 0.0, "max": 1.0}},
    )
    with pytest.raises(RunFolderError, match="cannot be made: File name too long"):
        start(sweep, out=tmp_path / ("x" * 300))


def test_free_room_is_that_of_the_nearest_folder_there_is(tmp_path: Path) -> None:
    there = free_bytes(tmp_path)
    assert free_bytes(tmp_path / "runs" / "tonight") == pytest.approx(there, rel=0.1)
