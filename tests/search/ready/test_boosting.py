"""`trainable: boosting`, as a sweep file says it."""

from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search import Sweep
from nightsweep.search.errors import SweepError
from nightsweep.search.ready.boosting import Boosting

LIBRARIES = ("sklearn", "xgboost", "lightgbm")


def sweep(library: str = "sklearn", cv: int | None = None, **more: Any) -> Sweep:
    settings = {"name": "boosting", "library": library, "cv": cv}
    return Sweep(**{"trainable": settings, "data": "table.csv", **more})


def refused(library: str = "sklearn", **more: Any) -> str:
    with pytest.raises(SweepError) as error:
        sweep(library, **more)
    return str(error.value)


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_searched_is_what_the_library_has(library: str) -> None:
    settings = Boosting.model_validate({"library": library})
    assert set(sweep(library).parameters) <= set(settings.knobs)


@pytest.mark.parametrize(
    ("library", "knob"), [("sklearn", "rows"), ("sklearn", "l1"), ("xgboost", "min_rows")]
)
def test_a_knob_that_a_library_has_not_is_refused(library: str, knob: str) -> None:
    assert f"parameters.{knob}: is no knob" in refused(library, parameters={knob: 1})
    assert sweep("lightgbm", parameters={knob: 1})


def test_a_slip_is_answered_with_the_nearest_knob() -> None:
    message = refused(parameters={"leafs": {"min": 2, "max": 8}})
    assert 'Did you mean "leaves"?' in message


def test_a_range_beyond_what_a_knob_takes_is_refused() -> None:
    assert "columns" in refused(parameters={"columns": {"min": 0.5, "max": 1.5}})


def test_with_folds_the_epochs_of_each_are_searched_and_an_epoch_of_the_sweep_is_a_fold() -> None:
    found = sweep(cv=4)
    assert found.max_epochs == 4
    assert found.scheduler.build(4).next_rung(1, 0) == 2
    assert "epochs" in found.parameters
    assert "epochs" not in sweep().parameters


def test_with_folds_there_is_no_part_to_judge_by() -> None:
    message = refused(trainable={"name": "boosting", "cv": 4, "val": 0.3})
    assert "cv: 4 judges by each of its folds in turn; leave val out" in message
    again = Sweep.model_validate(sweep(cv=4).model_dump(mode="json"))  # as a run is resumed
    assert again.folds == 4


def test_an_unknown_library_is_refused() -> None:
    assert "catboost" in refused("catboost")
