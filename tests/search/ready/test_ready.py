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
