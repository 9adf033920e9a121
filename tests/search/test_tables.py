"""Tables of every kind of parameter, and as files."""

from __future__ import annotations

import math
from collections.abc import Callable
from io import StringIO
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from nightsweep.search import Choice, Float, Int, Study, Sweep
from nightsweep.search.events import Asked, Event, Interrupted, Reported
from nightsweep.search.results import Results

ResultsOf = Callable[[Sweep, list[Event]], Results]
Train = Callable[[Study], list[tuple[int, int, float, str]]]


def column(results_of: ResultsOf, parameter: Any, values: list[Any]) -> Results:
    """Results of one trial for each value of the parameter `p`."""
    parameters = {"p": parameter, "other": Int(min=1, max=2)}
    events: list[Event] = []
    for trial, value in enumerate(values, start=1):
        events.append(Asked(trial=trial, epoch=0, reason="grid", config={"p": value, "other": 1}))
        events.append(Reported(trial=trial, epoch=1, metrics={"loss": 0.1}, reason="rung 1"))
    return results_of(Sweep(metric="loss", parameters=parameters), events)


@pytest.fixture
def trained(toy_sweep: Sweep, train: Train, results_of: ResultsOf) -> Results:
    """A whole run of the toy sweep."""
    events: list[Event] = []
    train(Study(toy_sweep, events.append))
    return results_of(toy_sweep, events)


KINDS: dict[str, tuple[Any, list[Any], str]] = {
    "words": (Choice(values=["a", "b"]), ["b", "a"], "category"),
    "numbers": (Choice(values=[16, 32]), [32, 16], "category"),
    "zero and fractions": (Choice(values=[0, 0.1, 0.5]), [0.5, 0], "category"),
    "booleans": (Choice(values=[True, False]), [False, True], "category"),
    "float": (Float(min=0.0, max=1.0), [0.5, 0.25], "float64"),
    "int": (Int(min=0, max=9), [3, 4], "int64"),
    "constant": ("relu", ["relu", "relu"], "str"),
    "constant number": (3, [3, 3], "int64"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_parameter_has_its_type_and_survives_parquet(
    results_of: ResultsOf, kind: str
) -> None:
    parameter, values, dtype = KINDS[kind]
    results = column(results_of, parameter, values)
    assert results.trials["config/p"].dtype == dtype
    assert results.trials["config/p"].tolist() == values
    results.write()
    read = pd.read_parquet(results.folder.table("trials", "parquet"))
    assert read["config/p"].tolist() == values


def test_choices_among_lists_are_shown_as_text(results_of: ResultsOf) -> None:
    results = column(results_of, Choice(values=[[64], [64, 32]]), [[64, 32], [64]])
    assert results.trials["config/p"].tolist() == ["[64, 32]", "[64]"]
    assert list(results.trials["config/p"].cat.categories) == ["[64]", "[64, 32]"]
    assert results.write()


@pytest.mark.parametrize(
    "values",
    [[None, 0.5], [16, "auto"], [0.5, "sqrt", None], [True, 1], [1, "1"]],
    ids=["none and number", "number and word", "all three", "true and one", "one and a word"],
)
def test_choices_of_several_kinds_can_be_shown_and_written(
    results_of: ResultsOf, values: list[Any]
) -> None:
    results = column(results_of, Choice(values=values), values)
    assert len(results.trials) == len(values)
    assert len(results.write()) == 4


def test_an_empty_constant_can_be_written(results_of: ResultsOf) -> None:
    results = column(results_of, None, [None])
    assert results.trials["config/p"].isna().all()
    assert len(results.write()) == 4


def test_four_files_are_written_beside_the_journal(trained: Results) -> None:
    paths = trained.write()
    assert all(path.parent == trained.folder.path for path in paths)
    assert [path.name for path in paths] == [
        "trials.csv",
        "trials.parquet",
        "curves.csv",
        "curves.parquet",
    ]


@pytest.mark.parametrize("name", ["trials", "curves"])
def test_parquet_gives_the_same_table_back(trained: Results, name: str) -> None:
    trained.write()
    read = pd.read_parquet(trained.folder.table(name, "parquet"))
    assert_frame_equal(read, getattr(trained, name))


@pytest.mark.parametrize("name", ["trials", "curves"])
def test_csv_gives_the_same_values_back(trained: Results, name: str) -> None:
    trained.write()
    read = pd.read_csv(trained.folder.table(name, "csv"))
    table = getattr(trained, name)
    assert list(read.columns) == list(table.columns)
    numbers = list(table.select_dtypes("number").columns)
    assert_frame_equal(read[numbers], table[numbers], check_dtype=False, check_exact=True)


def test_nan_survives_both_files(results_of: ResultsOf) -> None:
    events: list[Event] = [
        Asked(trial=1, epoch=0, reason="random", config={"p": 0.5}),
        Reported(trial=1, epoch=1, metrics={"loss": math.nan}, reason="diverged", decision="stop"),
    ]
    results = results_of(Sweep(metric="loss", parameters={"p": Float(min=0.0, max=1.0)}), events)
    results.write()
    assert math.isnan(pd.read_parquet(results.folder.table("curves", "parquet"))["loss"][0])
    text = results.folder.table("curves", "csv").read_text()
    assert math.isnan(pd.read_csv(StringIO(text))["loss"][0])


def test_tables_are_written_again_over_old_ones(trained: Results) -> None:
    trained.folder.table("trials", "csv").write_text("old")
    trained.write()
    assert trained.folder.table("trials", "csv").read_text().startswith("trial,status,why,")


def test_epochs_stand_in_order_whatever_order_they_came_in(results_of: ResultsOf) -> None:
    events: list[Event] = [
        Asked(trial=1, epoch=0, reason="random", config={"p": 0.5}),
        Reported(trial=1, epoch=3, metrics={"loss": 0.5}, reason="rung 1"),
        Interrupted(trial=1, epoch=0, reason="lost"),
        Asked(trial=1, epoch=0, reason="lost"),
        Reported(trial=1, epoch=2, metrics={"loss": 0.4}),
    ]
    results = results_of(Sweep(metric="loss", parameters={"p": Float(min=0.0, max=1.0)}), events)
    assert results.curves["epoch"].tolist() == [2, 3]


def test_a_metric_that_comes_late_is_a_column_with_gaps(results_of: ResultsOf) -> None:
    events: list[Event] = [
        Asked(trial=1, epoch=0, reason="random", config={"p": 0.5}),
        Reported(trial=1, epoch=1, metrics={"loss": 0.5}, reason="rung 1"),
        Reported(trial=1, epoch=2, metrics={"loss": 0.4, "accuracy": 0.9}),
    ]
    results = results_of(Sweep(metric="loss", parameters={"p": Float(min=0.0, max=1.0)}), events)
    assert results.curves["accuracy"].fillna(-1).tolist() == [-1, 0.9]
    assert results.trials["last/accuracy"][0] == 0.9


def test_a_metric_named_like_a_column_gets_a_name_of_its_own(results_of: ResultsOf) -> None:
    asked = Asked(trial=1, epoch=0, reason="random", config={"p": 0.5})
    report = Reported(trial=1, epoch=1, metrics={"loss": 1.0, "epoch": 7.0})
    sweep = Sweep(metric="loss", parameters={"p": Float(min=0.0, max=1.0)})
    curves = results_of(sweep, [asked, report]).curves
    assert (curves["epoch"].tolist(), curves["metric/epoch"].tolist()) == ([1], [7.0])
