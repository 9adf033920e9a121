"""`trainable: sklearn`, as a sweep file says it."""

from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search import Sweep
from nightsweep.search.errors import SweepError
from nightsweep.search.ready.estimator import RANGES, ranges_of


def sweep(estimator: str | None = None, **more: Any) -> Sweep:
    settings = {"name": "sklearn", **({"estimator": estimator} if estimator else {})}
    return Sweep(**{"trainable": settings, "data": "table.csv", **more})


def refused(estimator: str | None = None, **more: Any) -> str:
    with pytest.raises(SweepError) as error:
        sweep(estimator, **more)
    return str(error.value)


def test_an_epoch_is_a_fold_and_a_bad_trial_ends_after_two() -> None:
    found = sweep()
    assert (found.max_epochs, found.metric.name, found.metric.goal) == (5, "val_score", "maximize")
    assert found.scheduler.build(found.max_epochs).next_rung(1, 0) == 2


@pytest.mark.parametrize("path", sorted(RANGES))
def test_every_range_is_one_that_a_sweep_takes(path: str) -> None:
    assert sweep(path).parameters


def test_a_classifier_has_the_ranges_of_its_regressor_however_it_is_written() -> None:
    one = ranges_of("sklearn.tree.DecisionTreeClassifier")
    assert one is not None
    assert one == ranges_of("sklearn.tree.DecisionTreeRegressor")
    assert one == ranges_of("sklearn.tree:DecisionTreeClassifier")


def test_an_estimator_without_ranges_needs_parameters_of_its_own() -> None:
    message = refused("mine.Model")
    assert "parameters: is missing, and no ranges are known of mine.Model" in message
    assert sweep("mine.Model", parameters={"depth": {"min": 1, "max": 3}})


def test_a_name_that_is_no_import_path_is_answered_with_the_nearest() -> None:
    message = refused("RandomForestClasifier")
    assert 'Did you mean "sklearn.ensemble.RandomForestClassifier"?' in message
    assert "trainable.estimator" in message
    assert 'Did you mean "sklearn.svm.SVC"?' in refused("svc")


def test_there_is_no_judging_by_one_fold() -> None:
    assert "cv" in refused(trainable={"name": "sklearn", "cv": 1})
