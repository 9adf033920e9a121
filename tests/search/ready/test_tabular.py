"""The sweep that `trainable: tabular` brings."""

from __future__ import annotations

from nightsweep.search.ready import Tabular
from nightsweep.search.ready.tabular import KNOBS
from nightsweep.search.sweep import Sweep


def test_its_parameters_are_knobs_that_it_has() -> None:
    assert set(Tabular().defaults()["parameters"]) <= set(KNOBS)
    assert Tabular().knobs == KNOBS


def test_folds_are_trained_for_as_long_as_a_trial_without_them() -> None:
    alone, folded = Tabular().defaults(), Tabular(cv=5).defaults()
    assert folded["parameters"]["epochs"] == alone["max_epochs"]
    assert folded["max_epochs"] == 5


def test_it_is_a_sweep_of_sixty_trials_that_begins_with_its_defaults() -> None:
    sweep = Sweep(trainable="tabular", data="my.csv")
    assert sweep.limit == 60
    first = sweep.space.build(lambda name, parameter: parameter.default)
    assert first.keys() == sweep.parameters.keys()
    assert None not in first.values()
