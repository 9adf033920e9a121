"""XGBoost and LightGBM behind `trainable: boosting`, where they are installed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nightsweep.search import ready
from nightsweep.trainables.boosting import Boosting
from nightsweep.trainables.job import Job
from nightsweep.trainables.trial import Halted, Trial

from ..trainables.links import Link

pytestmark = pytest.mark.examples

SETS = ("sklearn:iris", "sklearn:breast_cancer", "sklearn:diabetes")


@pytest.fixture(params=["xgboost", "lightgbm"])
def library(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(request.param)
    return str(request.param)


def boosting(library: str, data: str, **settings: Any) -> Boosting:
    given = {"library": library, "rounds": 5, **settings}
    return Boosting(ready.Boosting.model_validate(given), [data])


def grown(
    folder: Path, trees: Boosting, config: dict[str, Any], *, pauses: bool = False, last: int = 4
) -> list[dict[str, float]]:
    """What is reported each epoch; with `pauses` by a trial that goes on after each."""
    link, epoch = Link(), 0
    folder.mkdir(exist_ok=True)
    while epoch < last:
        job = Job(
            trial=1, config=config, epoch=epoch, until=epoch + 1 if pauses else 99,
            max_epochs=last, metrics=("val_loss",), seed=7, folder=folder,
        )  # fmt: skip
        trial = Trial(job, link)
        with contextlib.suppress(Halted):
            trees(config, trial)
        epoch = trial.epoch
    return [step.metrics for step in link.steps]


@pytest.mark.parametrize("data", SETS)
def test_a_trial_that_is_paused_each_epoch_reports_the_same_bit_for_bit(
    tmp_path: Path, library: str, data: str
) -> None:
    config = {"lr": 0.3, "rows": 0.7, "columns": 0.5, "leaves": 7, "l1": 0.01}
    through = grown(tmp_path / "one", boosting(library, data), config)
    assert len(through) == 4
    assert grown(tmp_path / "two", boosting(library, data), config, pauses=True) == through


@pytest.mark.parametrize("data", SETS)
def test_portions_of_trees_are_as_good_as_one_model_of_the_library(
    tmp_path: Path, library: str, data: str
) -> None:
    """Without samples the portions are the trees that one call would have grown."""
    config = {"lr": 0.2, "leaves": 7}
    portions = grown(tmp_path / "one", boosting(library, data, rounds=5), config)
    whole = grown(tmp_path / "two", boosting(library, data, rounds=20), config, last=1)
    assert portions[-1]["train_loss"] == pytest.approx(whole[0]["train_loss"], rel=0.02)
    assert portions[-1]["val_loss"] == pytest.approx(whole[0]["val_loss"], rel=0.02)
    assert whole[0]["train_loss"] < portions[0]["train_loss"]


def test_every_knob_makes_a_difference(tmp_path: Path, library: str) -> None:
    data = "sklearn:diabetes"
    plain = grown(tmp_path / "plain", boosting(library, data), {}, last=2)
    knobs = {
        "lr": 0.3, "leaves": 3, "depth": 1, "min_rows": 40, "min_weight": 80.0, "l1": 5.0,
        "l2": 50.0, "rows": 0.5, "columns": 0.3,
    }  # fmt: skip
    known = set(boosting(library, data).settings.knobs) - {"epochs"}
    for name in sorted(known):
        changed = grown(tmp_path / name, boosting(library, data), {name: knobs[name]}, last=2)
        assert changed != plain, name


def test_samples_differ_from_epoch_to_epoch(tmp_path: Path, library: str) -> None:
    """With one seed for all, each portion would leave out the same columns."""
    found = grown(
        tmp_path / "t", boosting(library, "sklearn:diabetes", rounds=1), {"columns": 0.1}
    )
    assert len({report["train_loss"] for report in found}) == 4
    drops = np.diff([report["train_loss"] for report in found])
    assert (drops < 0).all()


def test_folds_go_on_bit_for_bit(tmp_path: Path, library: str) -> None:
    config = {"epochs": 2, "rows": 0.7}
    through = grown(tmp_path / "one", boosting(library, "sklearn:iris", cv=3), config, last=3)
    again = boosting(library, "sklearn:iris", cv=3)
    assert grown(tmp_path / "two", again, config, pauses=True, last=3) == through
