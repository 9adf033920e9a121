"""`trainable: boosting`: trees by rounds. Of other libraries: tests/examples/test_boosters.py."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nightsweep.search import ready
from nightsweep.search.errors import DataError
from nightsweep.trainables.boosters import Trees
from nightsweep.trainables.boosting import Boosting
from nightsweep.trainables.job import Job
from nightsweep.trainables.table.lesson import lesson
from nightsweep.trainables.trial import Halted, Trial

from .links import Link

LOG_LOSS, SQUARES = "sklearn:iris", "sklearn:diabetes"


def boosting(data: str = LOG_LOSS, **settings: Any) -> Boosting:
    return Boosting(ready.Boosting.model_validate({"rounds": 4, **settings}), [data])


def grown(
    folder: Path, trees: Boosting, config: dict[str, Any], *, pauses: bool = False, last: int = 4
) -> list[dict[str, float]]:
    """What is reported each epoch; with `pauses` by a trial that goes on after each."""
    link, epoch = Link(), 0
    folder.mkdir(exist_ok=True)
    while epoch < last:
        np.random.seed(epoch)
        job = Job(
            trial=1, config=config, epoch=epoch, until=epoch + 1 if pauses else 99,
            max_epochs=last, metrics=("val_loss",), seed=7, folder=folder,
        )  # fmt: skip
        trial = Trial(job, link)
        with contextlib.suppress(Halted):
            trees(config, trial)
        epoch = trial.epoch if pauses else last
    return [step.metrics for step in link.steps]


def test_each_epoch_adds_rounds_and_judges_all_three_parts(tmp_path: Path) -> None:
    found = grown(tmp_path / "t", boosting(), {"lr": 0.3})
    assert [report["rounds"] for report in found] == [4, 8, 12, 16]
    losses = [report["train_loss"] for report in found]
    assert losses == sorted(losses, reverse=True)
    assert found[-1]["val_accuracy"] > 0.8
    assert found[-1]["test_accuracy"] > 0.8


@pytest.mark.parametrize("data", [LOG_LOSS, SQUARES, "sklearn:breast_cancer"])
def test_a_trial_that_is_paused_each_epoch_reports_the_same_bit_for_bit(
    tmp_path: Path, data: str
) -> None:
    config = {"lr": 0.2, "columns": 0.4, "leaves": 5}
    through = grown(tmp_path / "one", boosting(data), config)
    assert len(through) == 4
    assert grown(tmp_path / "two", boosting(data), config, pauses=True) == through


def test_losses_are_those_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import accuracy_score, log_loss

    found = grown(tmp_path / "t", boosting(), {"lr": 0.3, "l2": 0.5}, last=1)
    whole = lesson(LOG_LOSS, boosting().settings)
    [(train, val)] = whole.parts
    x, y = whole.frame.to_numpy(), whole.target.values
    model = HistGradientBoostingClassifier(
        max_iter=4, learning_rate=0.3, l2_regularization=0.5, min_samples_leaf=5
    ).fit(x[train], y[train])
    assert found[0]["val_loss"] == pytest.approx(log_loss(y[val], model.predict_proba(x[val])))
    assert found[0]["val_accuracy"] == accuracy_score(y[val], model.predict(x[val]))


def test_numbers_are_judged_in_their_own_units_and_the_loss_without_them(tmp_path: Path) -> None:
    found = grown(tmp_path / "t", boosting(SQUARES), {"lr": 0.1}, last=3)[-1]
    whole = lesson(SQUARES, boosting(SQUARES).settings)
    [(train, val)] = whole.parts
    values = whole.target.values
    assert found["val_rmse"] == pytest.approx(found["val_loss"] ** 0.5 * values[train].std())
    assert found["val_r2"] == pytest.approx(1 - found["val_rmse"] ** 2 / values[val].var())
    assert 20 < found["val_mae"] < found["val_rmse"] < 77


def test_every_knob_of_scikit_learns_makes_a_difference(tmp_path: Path) -> None:
    plain = grown(tmp_path / "plain", boosting(SQUARES), {}, last=2)
    knobs = {"lr": 0.3, "leaves": 3, "depth": 1, "min_rows": 40, "l2": 50.0, "columns": 0.3}
    assert set(knobs) == set(boosting().settings.knobs) - {"epochs"}
    for name, value in knobs.items():
        assert grown(tmp_path / name, boosting(SQUARES), {name: value}, last=2) != plain, name


def test_a_trial_ends_after_its_own_epochs(tmp_path: Path) -> None:
    assert len(grown(tmp_path / "t", boosting(), {"epochs": 2})) == 2


def test_folds_are_judged_one_after_another_bit_for_bit_after_pauses(tmp_path: Path) -> None:
    config = {"epochs": 3, "columns": 0.5}
    through = grown(tmp_path / "one", boosting(cv=3), config, last=3)
    assert [report["rounds"] for report in through] == [12.0] * 3
    own = [report["fold_accuracy"] for report in through]
    assert through[-1]["val_accuracy"] == pytest.approx(np.mean(own))
    assert grown(tmp_path / "two", boosting(cv=3), config, pauses=True, last=3) == through


def test_words_and_missing_numbers_are_learned_from_and_what_training_has_not_seen_is_no_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": generator.normal(0, 1, 100),
            "colour": generator.choice(["red", "blue"], 100),
            "kind": generator.choice(["oak", "elm"], 100),
        }
    )
    frame.loc[::3, "size"] = np.nan
    frame["nothing"] = np.nan
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    settings = boosting(target="kind").settings
    [(train, val)] = lesson(str(path), settings).parts
    frame.loc[val, "colour"] = "green"
    frame.loc[train, "colour"] = ["red", "blue"] * (len(train) // 2)
    frame.to_csv(path, index=False)
    made = boosting(str(path), target="kind")
    assert made._part(0).task.x["train"].shape == (len(train), 3)
    assert (made._part(0).task.x["val"][:, 1:] == 0).all()
    assert np.isfinite(grown(tmp_path / "t", made, {})[-1]["val_loss"])
    assert "column 'nothing' is not learned from" in capsys.readouterr().out


def test_where_scores_start_and_how_targets_are_scaled_follows_from_training_rows() -> None:
    task = boosting("sklearn:breast_cancer")._part(0).task
    share = task.y["train"].mean()
    assert task.start == pytest.approx([np.log(share / (1 - share))])
    numbers = boosting(SQUARES)._part(0).task.y["train"]
    assert (numbers.mean(), numbers.std()) == pytest.approx((0.0, 1.0))


def test_without_a_test_part_none_is_reported(tmp_path: Path) -> None:
    found = grown(tmp_path / "t", boosting(test=0), {}, last=1)
    assert not any(name.startswith("test_") for name in found[0])


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightsweep.trainables.boosters.find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install xgboost"):
        boosting(library="xgboost").check()


def test_the_table_is_looked_at_before_the_night() -> None:
    with pytest.raises(DataError, match="60 folds are more than the 40 rows"):
        boosting(cv=60).check()
    with pytest.raises(DataError, match="petals"):
        boosting(target="petals").check()


def test_every_fold_is_looked_at_before_the_night(tmp_path: Path) -> None:
    """The only number that is not the others is among the rows that the last folds judge by."""
    frame = pd.DataFrame({"size": np.ones(60), "kind": ["elm", "oak"] * 30})
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    settings = ready.Boosting.model_validate({"cv": 3, "target": "kind"})
    frame["size"] = 2.0 * (frame.index == _judged_last(path, settings))
    frame.to_csv(path, index=False)
    with pytest.raises(DataError, match="no column to learn from: 'size' has one value"):
        Boosting(settings, [str(path)]).check()


def _judged_last(path: Path, settings: ready.Boosting) -> int:
    from nightsweep.trainables.table.read import read
    from nightsweep.trainables.table.split import folds
    from nightsweep.trainables.table.target import target

    found = target(read(str(path)), settings)
    return int(folds(found.values, found.kind, settings).parts[-1][1][0])


def test_a_knob_that_is_not_given_or_is_empty_has_its_default() -> None:
    assert Trees.of({"lr": 0.5, "depth": None, "epochs": 3}) == Trees(lr=0.5)
