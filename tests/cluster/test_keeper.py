from __future__ import annotations

import errno
import json
import math
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from nightsweep.cluster.keeper import Keeper
from nightsweep.cluster.standstill import Standstill
from nightsweep.cluster.stopping import StopRequest
from nightsweep.search import journal
from nightsweep.search.errors import RunFolderError
from nightsweep.search.events import Closed
from nightsweep.search.ledger import Ledger
from nightsweep.search.results import Results

if TYPE_CHECKING:
    from tests.cluster.conftest import Evening

    from nightsweep.search.study import Study


def strictly(text: str) -> dict[str, object]:
    """JSON as other programs read it: without NaN."""

    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is not JSON")

    values = json.loads(text, parse_constant=refuse)
    assert isinstance(values, dict)
    return values


def names(evening: Evening) -> set[str]:
    return {path.name for path in evening.folder.path.iterdir()}


def best(evening: Evening) -> dict[str, object]:
    return strictly((evening.folder.best / "best.json").read_text())


def test_what_is_recorded_is_in_the_journal_and_in_the_ledger(evening: Evening) -> None:
    closed = Closed(done=True, reason="enough", elapsed=3.0)
    evening.keeper.record(closed)
    entries = list(journal.read(evening.folder.journal))
    assert entries[-1] == (1_700_000_001.0, closed)
    assert (evening.keeper.ledger.done, evening.keeper.ledger.elapsed) == (True, 3.0)


def test_tables_and_the_best_trial_are_written_beside_the_journal(evening: Evening) -> None:
    evening.search()
    evening.keeper.write(evening.study)
    assert names(evening) == {
        "journal.jsonl",
        "sweep.json",
        "trials",
        "trials.csv",
        "trials.parquet",
        "curves.csv",
        "curves.parquet",
        "best",
    }
    table = pd.read_csv(evening.folder.path / "trials.csv")
    assert list(table["best/loss"]) == pytest.approx([0.325, 0.125, 0.7, 0.9, 1.1, 1.3])


def test_the_best_trial_is_written_with_its_metrics_and_checkpoint(evening: Evening) -> None:
    evening.search(f1=0.5)
    evening.keeper.write(evening.study)
    assert best(evening) == {
        "trial": 2,
        "epoch": 3,
        "loss": 0.125,
        "config": {"x": 2, "depth": 2},
        "metrics": {"loss": 0.125, "f1": 0.5},
        "checkpoint_epoch": 3,
    }
    checkpoint = evening.folder.best / "checkpoint"
    assert (checkpoint / "state.pt").read_text() == "trial 2, epoch 3"


def test_a_better_trial_takes_the_place_of_the_best(evening: Evening) -> None:
    evening.search(most=1)
    evening.keeper.write(evening.study)
    assert best(evening)["trial"] == 1
    evening.search()
    evening.keeper.write(evening.study)
    assert best(evening)["trial"] == 2
    assert (evening.folder.best / "checkpoint/state.pt").read_text() == "trial 2, epoch 3"
    assert {path.name for path in evening.folder.best.iterdir()} == {"best.json", "checkpoint"}


def test_nothing_is_best_before_anything_is_reported(evening: Evening) -> None:
    evening.keeper.write(evening.study)
    assert "best" not in names(evening)
    assert len(pd.read_csv(evening.folder.path / "trials.csv")) == 0


def test_a_best_trial_without_a_checkpoint_is_not_given_that_of_another(evening: Evening) -> None:
    evening.search(most=1)
    evening.keeper.write(evening.study)
    trial = evening.study.ask()
    assert trial is not None
    evening.study.report(trial.id, 1, {"loss": 0.0}, checkpoint=False)
    evening.keeper.write(evening.study)
    assert (best(evening)["trial"], best(evening)["checkpoint_epoch"]) == (2, None)
    assert not (evening.folder.best / "checkpoint").exists()


def test_a_best_trial_whose_checkpoint_is_gone_is_written_all_the_same(evening: Evening) -> None:
    evening.search()
    shutil.rmtree(evening.folder.trials)
    evening.keeper.write(evening.study)
    assert best(evening)["trial"] == 2
    assert not (evening.folder.best / "checkpoint").exists()


def test_the_best_trial_s_checkpoint_takes_no_room_twice_and_lasts(evening: Evening) -> None:
    evening.search()
    evening.keeper.write(evening.study)
    own, kept = (
        folder / "state.pt"
        for folder in (evening.folder.trial(2) / "epoch-3", evening.folder.best / "checkpoint")
    )
    assert own.samefile(kept)
    shutil.rmtree(evening.folder.trials)
    assert kept.read_text() == "trial 2, epoch 3"


def test_where_there_are_no_links_the_best_trial_s_checkpoint_is_copied(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: str, target: str) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.link", refuse)
    evening.search()
    evening.keeper.write(evening.study)
    assert (evening.folder.best / "checkpoint/state.pt").read_text() == "trial 2, epoch 3"


def test_checkpoints_that_no_decision_needs_go_as_the_tables_are_refreshed(
    begin: Callable[..., Evening],
) -> None:
    evening = begin(scheduler="none", checkpoints={"keep": 1})
    evening.search()
    evening.keeper.refresh(evening.study)
    assert [path.parent.name for path in evening.folder.trials.glob("*/epoch-*")] == ["2"]


def test_looking_at_checkpoints_takes_a_small_part_of_the_time(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def look(study: Study) -> None:
        looks.append(now[0])
        now[0] += 0.1

    now = [100.0]
    monkeypatch.setattr(evening.keeper.shelf, "look", look)
    monkeypatch.setattr("nightsweep.cluster.keeper.time.monotonic", lambda: now[0])
    for _ in range(50):
        evening.keeper.refresh(evening.study)
        now[0] += 0.1
    assert len(looks) == 3  # of 5 seconds: each took 0.1, so the next comes after 2


def test_a_metric_that_is_not_a_number_leaves_the_best_readable(evening: Evening) -> None:
    evening.search(f1=math.nan)
    evening.keeper.write(evening.study)
    assert best(evening)["trial"] == 2


def test_tables_are_refreshed_once_in_a_while(evening: Evening) -> None:
    evening.search(most=1)
    evening.keeper.refresh(evening.study)
    evening.search()
    evening.keeper.refresh(evening.study)  # too early
    assert len(pd.read_csv(evening.folder.path / "trials.csv")) == 1


def test_tables_that_cannot_be_written_do_not_end_the_search(evening: Evening) -> None:
    evening.folder.table("trials", "csv").mkdir()
    evening.search()
    evening.keeper.refresh(evening.study)
    with pytest.raises(RunFolderError, match=r"trials\.csv cannot be written: Is a directory"):
        evening.keeper.write(evening.study)


def test_a_best_folder_that_cannot_be_made_does_not_end_the_search(evening: Evening) -> None:
    evening.folder.best.write_text("a file where the folder belongs")
    evening.search()
    evening.keeper.refresh(evening.study)
    with pytest.raises(RunFolderError, match="best cannot be written"):
        evening.keeper.write(evening.study)


def test_the_results_of_a_keeper_are_those_of_its_folder(finished: Evening) -> None:
    kept = finished.keeper.results(finished.study)
    loaded = Results.load(finished.folder.path)
    assert kept.as_json() == loaded.as_json()
    pd.testing.assert_frame_equal(kept.trials, loaded.trials)
    pd.testing.assert_frame_equal(kept.curves, loaded.curves)


def test_a_second_keeper_goes_on_in_the_same_journal(evening: Evening) -> None:
    evening.search(most=2)
    evening.keeper.close()
    evening.keeper = Keeper(evening.folder, Ledger(), clock=lambda: 1_800_000_000.0)
    evening.study.record_to(evening.keeper.record)
    evening.search()
    evening.close()
    assert Results.load(evening.folder.path).study.trials == evening.study.trials


def test_a_keeper_that_was_told_to_waits_for_room_for_journal_tables_and_best(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    evening.search(most=3)
    with monkeypatch.context() as full:

        def refuse(*given: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def free(seconds: float) -> None:
            full.undo()

        standstill = Standstill(evening.folder, StopRequest(), said.append, sleep=free)
        evening.keeper.wait_by(standstill)
        full.setattr("os.write", refuse)
        evening.search()
        assert len(said) == 2
        full.setattr("os.replace", refuse)
        evening.keeper.finish(evening.study)
    assert len(said) == 4
    assert said[0] == said[2]
    assert said[0].startswith(f"the disk of {evening.folder.path} is full: waiting until it can")
    assert Results.load(evening.folder.path).study.trials == evening.study.trials
    assert best(evening)["trial"] == 2
