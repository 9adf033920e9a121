"""A sweep of a ready-made trainable: what it brings, what a file changes, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search.changing import changed
from nightsweep.search.errors import SweepError
from nightsweep.search.ready import Command, Tabular
from nightsweep.search.sweep import Sweep

READY = ["tabular", "image", "text", "sklearn", "boosting"]


@pytest.mark.parametrize("name", READY)
def test_a_name_and_data_are_a_whole_sweep(name: str) -> None:
    sweep = Sweep(trainable=name, data="my.csv")
    assert sweep.trainable is not None
    assert sweep.trainable.name == name
    assert sweep.space.parameters
    assert sweep.limit == 60
    assert sweep.trains == f"trainable {name}"


@pytest.mark.parametrize("name", READY)
def test_a_sweep_of_one_is_written_and_read_back(name: str) -> None:
    sweep = Sweep(trainable=name, data="my.csv")
    assert Sweep(**sweep.model_dump(mode="json")) == sweep
    assert changed(sweep, {"trials": 7}).trainable == sweep.trainable


@pytest.mark.parametrize("name", [name for name in READY if name != "sklearn"])
def test_with_cv_an_epoch_is_a_fold(name: str) -> None:
    assert Sweep(trainable={"name": name, "cv": 4}, data="my.csv").max_epochs == 4
    with pytest.raises(SweepError, match="max_epochs: with cv: 4 each fold is an epoch; leave"):
        Sweep(trainable={"name": name, "cv": 4}, data="my.csv", max_epochs=9)


def test_what_a_file_says_comes_before_what_the_trainable_brings() -> None:
    sweep = Sweep(
        trainable={"name": "tabular", "target": "price"},
        data="my.csv",
        metric={"name": "val_rmse"},
        parameters={"lr": {"min": 0.01, "max": 0.1}},
        max_epochs=5,
    )
    assert sweep.trainable == Tabular(target="price")
    assert (sweep.metric.name, list(sweep.parameters), sweep.max_epochs) == ("val_rmse", ["lr"], 5)


@pytest.mark.parametrize(
    ("metric", "goals"),
    [
        ("val_accuracy", ["maximize"]),
        ("val_accuracy_std", ["minimize"]),
        ({"name": "val_r2"}, ["maximize"]),
        ({"name": "val_accuracy", "goal": "minimize"}, ["minimize"]),
        (["val_score", {"name": "val_accuracy", "min": 0.5}, "val_loss"],
         ["maximize", None, "minimize"]),
    ],
)  # fmt: skip
def test_a_metric_that_is_named_alone_is_sought_where_it_is_better(
    metric: Any, goals: list[str | None]
) -> None:
    sweep = Sweep(trainable="tabular", data=["my.csv"], metric=metric)
    assert [one.goal for one in sweep.outcomes] == goals
    program = Sweep(command="train", parameters={"lr": 0.1}, metric="accuracy")
    assert program.metric.goal == "minimize"  # as of functions: their words are their own


def test_the_test_part_decides_nothing() -> None:
    with pytest.raises(SweepError, match="no decision is to see; write val_accuracy"):
        Sweep(trainable="tabular", data=["my.csv"], metric=["val_loss", "test_accuracy"])


def test_a_command_is_a_trainable_in_one_line() -> None:
    values: dict[str, Any] = {"metric": "loss", "parameters": {"lr": {"min": 0.1, "max": 1.0}}}
    sweep = Sweep(command="python train.py --lr {lr}", **values)
    assert sweep.trainable == Command(run="python train.py --lr {lr}")
    assert sweep.data == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trainable": "tabulr"}, "trainable: 'tabulr' is not one of .* Did you mean \"tabular\""),
        ({"trainable": {"target": "x"}}, "trainable: needs a name, one of tabular, image,"),
        ({"trainable": {"name": "tabular", "tagret": "x"}}, 'tagret: .*Did you mean "target"'),
        ({"trainable": {"name": "tabular", "lr": 0.1}}, "trainable.lr: is a knob, no setting; it"),
        ({"trainable": {"name": "sklearn", "lr": 0.1}}, "trainable.lr: unknown key; allowed"),
        ({"trainable": {"name": "command"}}, "trainable.run: is missing; write run: python train"),
        ({"trainable": {"name": "tabular", "cv": 1}}, "trainable.cv: must be at least 2, not 1"),
        ({"trainable": 3}, "trainable: must be a mapping"),
        ({"trainable": {"name": "tabular", "val": 0.8, "test": 0.5}}, "too few rows to train on"),
        ({"trainable": "tabular", "train": "a.py:f"}, "train: there is trainable: tabular too"),
        ({"trainable": "tabular", "command": "x"}, "command: .* leave one of them out"),
        ({"command": "python train.py"}, "metric: is missing"),
    ],
)
def test_mistakes_are_one_sentence(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SweepError, match=message):
        Sweep(**values)
