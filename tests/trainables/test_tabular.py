"""`trainable: tabular`: what it learns from tables, reports, and refuses."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nightsweep.search import ready
from nightsweep.search.errors import DataError
from nightsweep.search.sweep import Sweep
from nightsweep.trainables.job import Answer, Job, Message, Step
from nightsweep.trainables.ready import ReadyMade
from nightsweep.trainables.tabular import Tabular
from nightsweep.trainables.trial import Halted, Trial


class Link:
    """Keeps what is sent, and ends a trial at each rung."""

    halting = False

    def __init__(self) -> None:
        self.metrics: list[dict[str, float]] = []

    def send(self, message: Message) -> None:
        if isinstance(message, Step):
            self.metrics.append(message.metrics)

    def ask(self, step: Step) -> Answer:
        self.metrics.append(step.metrics)
        return Answer(trial=step.trial, until=None)


def trained(
    trains: Tabular, folder: Path, config: dict[str, Any], *, last: int, pauses: bool = False
) -> list[dict[str, float]]:
    """What was reported each epoch; with `pauses`, from a checkpoint after each."""
    link, epoch = Link(), 0
    folder.mkdir()
    while epoch < last:
        torch.manual_seed(3 if not epoch else 99)
        job = Job(
            trial=1, config=config, epoch=epoch, until=epoch + 1 if pauses else last,
            max_epochs=last, metrics=("val_loss",), seed=7, folder=folder,
        )  # fmt: skip
        trial = Trial(job, link)
        with contextlib.suppress(Halted):
            trains(config, trial)
        trial.flush()
        epoch = trial.epoch
    return link.metrics


def mixed(rows: int = 200) -> pd.DataFrame:
    """A price that follows from an area, of which some are missing, and from a town."""
    generator = np.random.default_rng(0)
    area = generator.uniform(30, 150, rows)
    town = generator.choice(["Aa", "Bee", "Cork"], rows)
    price = 2000 * area + 50_000 * (town == "Cork") + generator.normal(0, 5000, rows)
    frame = pd.DataFrame({"area": area, "town": town, "price": price})
    frame.loc[::17, "area"] = np.nan
    return frame


def of(frame: pd.DataFrame, folder: Path, **settings: Any) -> Tabular:
    frame.to_csv(folder / "data.csv", index=False)
    return Tabular(ready.Tabular(**settings), [str(folder / "data.csv")])


CONFIG = {"lr": 0.02, "batch_size": 16, "units": 16}


def test_a_price_is_learned_and_errors_are_as_large_as_prices(tmp_path: Path) -> None:
    trains = of(mixed(), tmp_path, target="price")
    trains.check()
    first, *_, last = trained(trains, tmp_path / "1", CONFIG, last=12)
    assert last["val_loss"] < first["val_loss"] / 2
    assert last["val_r2"] > 0.7
    assert {f"{part}_{name}" for part in ("val", "test") for name in ("rmse", "mae", "r2")} < {
        *last
    }
    train, _ = trains._lesson.parts[0]
    spread = trains._lesson.target.values[train].std()
    assert last["val_rmse"] == pytest.approx(spread * last["val_loss"] ** 0.5, rel=1e-4)
    assert 1000 < last["val_mae"] < last["val_rmse"] < 50_000


def test_classes_are_learned(tmp_path: Path) -> None:
    trains = of(mixed(), tmp_path, target="town")
    *_, last = trained(trains, tmp_path / "1", CONFIG, last=12)
    assert 1 / 3 < last["val_accuracy"] <= 1
    assert {"train_loss", "train_accuracy", "test_loss", "test_accuracy"} < {*last}
    assert "val_rmse" not in last


def test_without_a_test_part_nothing_is_said_of_it(tmp_path: Path) -> None:
    trains = of(mixed(), tmp_path, target="price", test=0)
    (only,) = trained(trains, tmp_path / "1", CONFIG, last=1)
    assert not [name for name in only if name.startswith("test")]


@pytest.mark.parametrize("settings", [{}, {"cv": 3}])
def test_a_trial_that_is_paused_each_epoch_reports_the_same_bit_for_bit(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    trains = of(mixed(90), tmp_path, target="price", **settings)
    config = CONFIG | {"epochs": 3}
    through = trained(trains, tmp_path / "1", config, last=3)
    paused = trained(trains, tmp_path / "2", config, last=3, pauses=True)
    clocks = {"step_ms", "rows_per_second", "memory_mb"}
    assert len(through) == 3
    assert all(
        one[name] == other[name]
        for one, other in zip(through, paused, strict=True)
        for name in one
        if not any(clock in name for clock in clocks)
    )


def test_with_cv_an_epoch_is_a_fold_and_the_test_part_is_in_none(tmp_path: Path) -> None:
    trains = of(mixed(90), tmp_path, target="price", cv=3)
    reports = trained(trains, tmp_path / "1", CONFIG | {"epochs": 2}, last=3)
    means = [report["val_loss"] for report in reports]
    folds = [report["fold_loss"] for report in reports]
    assert means == pytest.approx([np.mean(folds[: n + 1]) for n in range(3)])
    judged = np.concatenate([val for _, val in trains._lesson.parts])
    assert not set(judged) & set(trains._lesson.test)


def test_each_fold_has_statistics_of_its_own(tmp_path: Path) -> None:
    trains = of(mixed(90), tmp_path, target="price", cv=3)
    means = {trains._part(fold, "standard").columns.numbers["area"].mean for fold in range(3)}
    assert len(means) == 3


def test_rows_of_one_group_are_on_one_side(tmp_path: Path) -> None:
    trains = of(mixed().assign(who=np.arange(200) // 5), tmp_path, target="price", group="who")
    ((train, val),) = trains._lesson.parts
    assert not set(train // 5) & set(val // 5)
    assert "who" not in trains._part(0, "standard").columns.numbers


def test_a_batch_size_above_the_data_is_one_batch(tmp_path: Path) -> None:
    trains = of(mixed(60), tmp_path, target="price")
    (only,) = trained(trains, tmp_path / "1", {"batch_size": 10**6}, last=1)
    assert np.isfinite(only["val_loss"])


def test_columns_that_are_left_out_are_named_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = mixed(60).assign(id=[f"row {n}" for n in range(60)])
    trained(of(frame, tmp_path, target="price"), tmp_path / "1", CONFIG, last=1)
    assert capsys.readouterr().out == (
        "column 'id' is not learned from: it has a value of its own in most rows\n"
    )


def test_the_defaults_learn_a_known_set(tmp_path: Path) -> None:
    sweep = Sweep(trainable="tabular", data="sklearn:iris")
    assert sweep.trainable is not None
    trains = ReadyMade(settings=sweep.trainable, data=sweep.data).load(tmp_path)
    assert isinstance(trains, Tabular)
    trains.check()
    config = sweep.space.build(lambda name, parameter: parameter.default)
    assert trained(trains, tmp_path / "1", config, last=10)[-1]["val_accuracy"] > 0.8


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ({}, {}, "no target is named; write target: or --target with one of area, town, price"),
        ({}, {"target": "prize"}, 'Did you mean "price"'),
        ({"price": 1.5}, {}, "price' is 1.5 in every row"),
        ({"town": "Aa"}, {"target": "town"}, "town' is 'Aa' in every row"),
        ({"price": [None] + [1.5, 2.5] * 29 + [1.0]}, {"target": "price"}, "no value in row 1 "),
        ({"area": ["oops"] + [1.5] * 59}, {"target": "price"}, "'area' is 'oops' in row 1, wh"),
        ({}, {"target": "town", "cv": 50}, "cv: 50 folds are more than the"),
        ({"town": ["Dee"] + ["Aa", "Bee"] * 29 + ["Aa"]}, {"target": "town"}, "of class 'Dee'"),
        ({"area": 1, "town": "Aa"}, {"target": "price"}, "no column to learn from"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_before_the_night(
    tmp_path: Path, change: dict[str, Any], settings: dict[str, Any], message: str
) -> None:
    settings = ({"target": "price"} if change else {}) | settings
    with pytest.raises(DataError, match=message):
        of(mixed(60).assign(**change), tmp_path, **settings).check()


@pytest.mark.parametrize(("data", "given"), [([], "none"), (["a.csv", "b.csv"], "2 paths")])
def test_it_takes_one_table(data: list[str], given: str) -> None:
    with pytest.raises(
        DataError, match=f"learns from one path in data: or --data, and has {given}"
    ):
        Tabular(ready.Tabular(), data).check()
