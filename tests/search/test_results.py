from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nightsweep.search import Choice, Float, Int, Sweep
from nightsweep.search.errors import JournalError, RunFolderError
from nightsweep.search.events import (
    Asked,
    Cause,
    Closed,
    Event,
    Failed,
    Interrupted,
    Opened,
    Reported,
    Started,
)
from nightsweep.search.journal import Journal
from nightsweep.search.results import Results
from nightsweep.search.runfolder import RunFolder

Load = Callable[..., Results]
BEGAN = 1700000000.0
OPENED = Opened(format=1, version="0.1.0", host="node", pid=1)
DONE = Closed(done=True, reason="4 of 4 trials are tried", elapsed=7.0)
SGD = {"optimizer": "sgd", "lr": 0.1, "layers": 2, "width": 64}
ADAM = {"optimizer": "adam", "lr": 0.01, "width": 64}


def toy(**changes: Any) -> Sweep:
    values = {
        "name": "toy",
        "metric": "val_loss",
        "parameters": {
            "optimizer": Choice(values=["sgd", "adam"]),
            "lr": Float(min=0.001, max=1.0, log=True),
            "layers": Int(min=1, max=4, when={"optimizer": "sgd"}),
            "width": Int(min=16, max=64),
        },
        "max_epochs": 9,
        "trials": 4,
    }
    return Sweep(**(values | changes))


def asked(trial: int, config: dict[str, Any]) -> Asked:
    return Asked(trial=trial, epoch=0, reason="random", config=config)


def reported(trial: int, epoch: int, loss: float, **changes: Any) -> Reported:
    metrics = {"train_loss": loss / 2, "val_loss": loss}
    values: dict[str, Any] = {"metrics": metrics, "seconds": 1.5, "checkpoint": True}
    return Reported(trial=trial, epoch=epoch, **(values | changes))


def paused(trial: int, loss: float) -> Reported:
    return reported(trial, 1, loss, decision="pause", reason="rung 1: rank 1 of 1, ...")


def repeated(trial: int, first: float, second: float) -> list[Event]:
    """A trial lost its worker after epoch 1 and has trained it again."""
    return [
        asked(trial, ADAM),
        reported(trial, 1, first, checkpoint=False, decision="continue", reason="rung 1: ..."),
        Interrupted(trial=trial, epoch=0, reason="its worker died", cause=Cause.LOST),
        Asked(trial=trial, epoch=0, reason="its worker died"),
        reported(trial, 1, second),
    ]


STORY: list[Event] = [
    OPENED,
    asked(1, SGD),
    Started(trial=1, attempt=1, host="node", pid=7, device="cpu"),
    paused(1, 0.5),
    asked(2, ADAM),
    reported(2, 1, 0.25, decision="continue", reason="rung 1: rank 1 of 2, best 1 go on"),
    reported(2, 2, math.nan, decision="stop", reason="diverged at epoch 2: val_loss is nan"),
    asked(3, SGD),
    Failed(trial=3, reason="raised ValueError: no data", traceback="Traceback: no data"),
    asked(4, ADAM),
]


@pytest.fixture
def load(results_of: Callable[[Sweep, list[Event]], Results]) -> Load:
    """Results of a run folder of the toy sweep that holds these events."""
    return lambda events=STORY: results_of(toy(), events)


def test_there_is_one_row_a_trial_with_every_column(load: Load) -> None:
    table = load().trials
    assert list(table["trial"]) == [1, 2, 3, 4]
    assert list(table.columns) == [
        "trial", "status", "why",
        "config/optimizer", "config/lr", "config/layers", "config/width",
        "best/val_loss", "best/train_loss", "last/val_loss", "last/train_loss",
        "best_epoch", "epochs", "seconds", "attempts", "origin", "error",
        "host", "device", "started", "ended",
    ]  # fmt: skip


def test_with_several_metrics_the_table_says_who_is_on_the_front_and_who_meets_bounds(
    results_of: Callable[[Sweep, list[Event]], Results],
) -> None:
    sweep = toy(metric=["val_loss", "train_loss", {"name": "mb", "max": 9}])
    rows = {1: (0.5, 0.1, 1), 2: (0.4, 0.2, 9), 3: (0.5, 0.2, 9), 4: (0.1, 0.1, 10)}
    events: list[Event] = [asked(trial, SGD) for trial in range(1, 6)]
    for trial, values in rows.items():
        metrics = dict(zip(("val_loss", "train_loss", "mb"), values, strict=True))
        events.append(reported(trial, 1, 0.0, metrics=metrics, decision="pause", reason="rung 1"))
    results = results_of(sweep, events)
    assert results.trials["front"].tolist() == [True, True, False, False, False]
    assert results.trials["feasible"].tolist() == [True, True, True, False, False]
    assert results.front["trial"].tolist() == [2, 1]
    assert list(results.front.columns) == list(results.trials.columns)
    assert [leader.trial for leader in results.leaders] == [2, 1]
    assert pd.read_csv(results.write()[0])["front"].tolist() == [True, True, False, False, False]


def test_the_front_of_one_objective_is_the_best(load: Load) -> None:
    assert load().front["trial"].tolist() == [2]


def test_without_results_there_is_no_front(load: Load) -> None:
    results = load([])
    assert results.front.empty
    assert list(results.front.columns) == list(results.trials.columns)


def test_columns_have_types_that_can_be_calculated_with(load: Load) -> None:
    kinds = {str(name): str(dtype) for name, dtype in load().trials.dtypes.items()}
    assert kinds["trial"] == kinds["epochs"] == kinds["attempts"] == "int64"
    assert kinds["status"] == kinds["config/optimizer"] == "category"
    assert kinds["config/lr"] == kinds["best/val_loss"] == kinds["seconds"] == "float64"
    assert kinds["why"] == kinds["origin"] == kinds["error"] == kinds["host"] == "str"
    assert all(re.fullmatch(r"datetime64\[.s, UTC\]", kinds[n]) for n in ("started", "ended"))


def test_an_integer_stays_one_even_where_when_leaves_it_out(load: Load) -> None:
    table = load().trials
    kinds = {str(name): str(dtype) for name, dtype in table.dtypes.items()}
    assert (kinds["config/width"], kinds["config/layers"]) == ("int64", "Int64")
    assert table["config/layers"].fillna(0).tolist() == [2, 0, 2, 0]
    assert kinds["best_epoch"] == "Int64"
    assert table["best_epoch"].fillna(0).tolist() == [1, 1, 0, 0]


def test_the_categories_are_all_choices_in_the_order_of_the_sweep(load: Load) -> None:
    table = load().trials
    assert list(table["config/optimizer"].cat.categories) == ["sgd", "adam"]
    assert list(table["status"]) == ["paused", "diverged", "failed", "running"]


def test_best_and_last_are_values_of_an_epoch(load: Load) -> None:
    table = load().trials.set_index("trial")
    assert table.loc[2, "best/val_loss"] == 0.25
    assert table.loc[2, "best/train_loss"] == 0.125
    assert math.isnan(table["last/val_loss"][2])
    assert math.isnan(table["best/val_loss"][3])


def test_a_row_tells_why_where_and_how_long(load: Load) -> None:
    table = load().trials.set_index("trial")
    assert table["why"][2] == "diverged at epoch 2: val_loss is nan"
    assert (table["host"][1], table["device"][1], table["seconds"][2]) == ("node", "cpu", 3.0)
    assert table["error"].tolist() == ["", "", "Traceback: no data", ""]


def test_times_are_exact_to_the_millisecond_in_utc(load: Load) -> None:
    table = load([OPENED, asked(1, SGD), reported(1, 1, 0.5)]).trials
    assert table["started"][0] == pd.Timestamp("2023-11-14T22:13:20.125Z")


def test_odd_milliseconds_are_exact_too(load: Load) -> None:
    results = load([])
    for event in (asked(1, SGD), reported(1, 1, 0.5)):
        results.study.apply(event)
        results.ledger.add(1700000000.123, event)
    assert results.trials["started"][0] == pd.Timestamp("2023-11-14T22:13:20.123Z")
    assert results.curves["time"][0] == pd.Timestamp("2023-11-14T22:13:20.123Z")


def test_a_trial_in_training_has_not_ended(load: Load) -> None:
    assert load().trials["ended"].isna().tolist() == [False, False, False, True]


def test_there_is_one_row_an_epoch(load: Load) -> None:
    curves = load().curves
    assert list(curves.columns) == [
        "trial", "epoch", "val_loss", "train_loss", "seconds", "time",
    ]  # fmt: skip
    assert curves[["trial", "epoch"]].values.tolist() == [[1, 1], [2, 1], [2, 2]]
    assert curves["val_loss"].fillna(-1).tolist() == [0.5, 0.25, -1]


def test_of_a_repeated_epoch_the_last_try_is_shown(load: Load) -> None:
    curves = load([*STORY[:4], *repeated(2, 0.5, 0.75)]).curves
    assert curves[["trial", "epoch", "val_loss"]].values.tolist() == [[1, 1, 0.5], [2, 1, 0.75]]


def test_a_paused_trial_is_shown_as_stopped_once_the_run_is_done(load: Load) -> None:
    assert load([OPENED, asked(1, SGD), paused(1, 0.5), DONE]).trials["status"][0] == "stopped"


def test_the_best_is_the_best_finite_value_with_its_epoch(load: Load) -> None:
    best = load().best
    assert best is not None
    assert (best.trial, best.epoch, best.value, best.config) == (2, 1, 0.25, ADAM)
    assert best.metrics == {"train_loss": 0.125, "val_loss": 0.25}
    assert best.checkpoint is None


def test_the_checkpoint_of_the_best_is_shown_where_it_is_kept(load: Load) -> None:
    results = load([OPENED, asked(1, SGD), paused(1, 0.5)])
    kept = results.folder.trial(1) / "epoch-1"
    kept.mkdir(parents=True)
    assert results.best is not None
    assert results.best.checkpoint == kept


def test_without_a_finite_value_there_is_no_best(load: Load) -> None:
    results = load([OPENED, asked(1, SGD), reported(1, 1, math.inf, decision="stop")])
    assert results.best is None
    assert results.as_json()["best"] is None


def test_an_empty_run_has_empty_tables_of_the_same_types(load: Load) -> None:
    results = load([])
    assert (len(results.trials), len(results.curves)) == (0, 0)
    assert results.trials["config/width"].dtype == "int64"


def test_the_best_value_is_that_of_its_metrics_even_if_an_epoch_was_repeated(load: Load) -> None:
    best = load([OPENED, *repeated(1, 0.25, 0.75)]).best
    assert best is not None
    assert best.value == best.metrics["val_loss"]


def test_results_can_be_read_while_a_driver_is_writing(load: Load) -> None:
    folder = load(STORY[:4]).folder
    with folder.journal.open("ab") as file:
        file.write(b'{"time":1700000009.0,"event":"asked","tri')
    assert list(Results.load(folder.path).trials["trial"]) == [1]


def test_a_path_may_be_given_as_text(load: Load) -> None:
    assert Results.load(str(load().folder.path)).sweep == toy()


def test_what_is_no_run_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="is not a run folder"):
        Results.load(tmp_path)


@pytest.mark.parametrize(
    "event",
    [
        reported(9, 1, 0.5),
        reported(1, 1, 0.5, metrics={"accuracy": 1.0}),
        reported(1, 1, 0.5, decision="dance", reason="rung 1"),
        Asked(trial=9, epoch=3, reason="rung 3: rank 1 of 3"),
    ],
    ids=["unknown trial", "no metric", "unknown decision", "unknown promotion"],
)
def test_a_journal_that_contradicts_itself_is_refused(
    new_run: Callable[[Sweep], RunFolder], event: Event
) -> None:
    folder = new_run(toy())
    journal = Journal(folder.journal, lambda: BEGAN)
    for written in (OPENED, asked(1, SGD), event):
        journal.append(written)
    with pytest.raises(JournalError, match=r"journal.jsonl:3: .* was changed by hand"):
        Results.load(folder.path)
