from __future__ import annotations

import itertools
import statistics
from typing import Any

import pytest

from nightsweep.search import Study, Sweep
from nightsweep.search.errors import NightsweepError
from nightsweep.search.plan import LARGEST, Forecast, PowerLaw, forecast, plan, variants
from nightsweep.search.simulate import Worker, simulate

SPACE: dict[str, Any] = {
    "lr": {"min": 1e-5, "max": 1.0, "log": True},
    "layers": {"min": 1, "max": 4},
    "optimizer": {"values": ["sgd", "adam", "lion"]},
    "momentum": {"min": 0.0, "max": 0.99, "when": {"optimizer": "sgd"}},
    "width": 64,
}
ADAM: dict[str, Any] = {"lr": 1e-3, "layers": 2, "optimizer": "adam", "width": 64}
SGD: dict[str, Any] = {**ADAM, "optimizer": "sgd", "momentum": 0.5}


def sweep(**changes: Any) -> Sweep:
    """Rungs at 1, 3 and 9 of 27 epochs, without controls; the training function is nowhere."""
    values: dict[str, Any] = {
        "train": "nowhere:train",
        "metric": "loss",
        "parameters": SPACE,
        "max_epochs": 27,
        "trials": 60,
        "scheduler": {"name": "asha", "audit": 0},
    }
    return Sweep(**values | changes)


def told(
    *, slots: int = 4, epoch_seconds: float = 60.0, now: float = 0.0, **changes: Any
) -> Forecast:
    return forecast(sweep(**changes), slots=slots, epoch_seconds=epoch_seconds, now=now)


def losses(law: PowerLaw, config: dict[str, Any], metric: str = "loss") -> list[float]:
    return [metrics[metric] for metrics in law(config).metrics]


def test_a_curve_falls_towards_its_asymptote_and_ever_more_slowly() -> None:
    law = PowerLaw(sweep(max_epochs=1000), noise=0.0)
    values = losses(law, ADAM)
    falls = [before - after for before, after in itertools.pairwise(values)]
    assert len(values) == 1000
    assert min(falls) > 0
    assert falls == sorted(falls, reverse=True)
    assert 0 < values[-1] - law.asymptote(ADAM) < 0.05


def test_the_same_configuration_has_the_same_curve_and_another_seed_another() -> None:
    turned = dict(reversed(ADAM.items()))
    assert losses(PowerLaw(sweep()), ADAM) == losses(PowerLaw(sweep()), turned)
    assert losses(PowerLaw(sweep()), ADAM) != losses(PowerLaw(sweep()), SGD)
    assert losses(PowerLaw(sweep()), ADAM) != losses(PowerLaw(sweep(seed=1)), ADAM)


def test_with_goal_maximize_curves_are_upside_down() -> None:
    up = PowerLaw(sweep(metric={"name": "loss", "goal": "maximize"}))
    assert losses(up, ADAM) == [-value for value in losses(PowerLaw(sweep()), ADAM)]


def test_neighbours_end_alike_and_the_whole_space_does_not() -> None:
    law = PowerLaw(sweep())
    near = [law.asymptote({**ADAM, "lr": 1e-3 * (1 + i / 1000)}) for i in range(10)]
    far = [law.asymptote({**ADAM, "lr": 10.0**-i, "layers": j}) for i in range(6) for j in (1, 4)]
    assert max(near) - min(near) < 0.01
    assert max(far) - min(far) > 0.1
    assert 0 <= min(far) <= max(far) <= 1


def test_curves_cross() -> None:
    law = PowerLaw(sweep())
    curves = [losses(law, {**ADAM, "lr": 10.0**-i}) for i in range(6)]
    first = sorted(range(6), key=lambda i: curves[i][0])
    last = sorted(range(6), key=lambda i: curves[i][-1])
    assert first != last


def test_a_space_of_constants_has_a_curve_too() -> None:
    assert PowerLaw(sweep(parameters={"width": 64})).asymptote({"width": 64}) == 0.0


def test_without_early_stopping_everything_is_known_beforehand() -> None:
    found = told(scheduler="none", trials=8, slots=4, epoch_seconds=30.0)
    assert (found.trials, found.completed, found.reached) == (8, 8, {27: 8})
    assert (found.epochs, found.fewest, found.most) == (216, 216, 216)
    assert found.first == 27 * 30.0
    assert found.seconds == 2 * 27 * 30.0


def test_of_each_rung_a_third_and_some_more_go_on() -> None:
    found = told()
    assert found.reached[1] == 60
    assert 20 <= found.reached[3] <= 30
    assert found.reached[3] / 3 - 1 <= found.reached[9] <= found.reached[3] / 2
    assert found.completed == found.reached[27] > 1
    assert found.fewest <= found.epochs <= found.most
    lowest = 60 + 2 * found.reached[3] + 6 * found.reached[9]
    assert lowest < found.epochs <= lowest + 18 * found.reached[9]


def test_more_slots_save_time_and_no_epochs() -> None:
    few, many = told(slots=1), told(slots=16)
    assert few.seconds == few.epochs * 60.0
    assert many.seconds < few.seconds / 5
    assert many.epochs == pytest.approx(few.epochs, rel=0.15)


def test_a_slower_epoch_stretches_all_times_alike() -> None:
    fast, slow = told(epoch_seconds=10.0), told(epoch_seconds=600.0)
    assert fast.first is not None
    assert (slow.epochs, slow.reached) == (fast.epochs, fast.reached)
    assert slow.seconds == pytest.approx(60 * fast.seconds)
    assert slow.first == pytest.approx(60 * fast.first)


def test_hours_are_those_in_training_times_what_a_trial_takes() -> None:
    found = told(resources={"cpus": 4, "gpus": 0.5}, epoch_seconds=36.0)
    assert found.cpu_hours == pytest.approx(4 * found.epochs / 100)
    assert found.gpu_hours == pytest.approx(0.5 * found.epochs / 100)


def test_a_sweep_by_time_ends_with_it() -> None:
    found = told(trials=None, time="2h", slots=4, epoch_seconds=60.0)
    assert 7200 - 4 * 60 < found.seconds <= 7200  # at last no new trial is worth an epoch
    assert found.epochs == pytest.approx(4 * 120, abs=16)
    assert found.trials > 100
    assert told(trials=10, time="2h").trials == 10


def test_other_budgets_end_it_too() -> None:
    one: dict[str, Any] = {"trials": None, "slots": 4, "epoch_seconds": 60.0}
    hours = told(**one, gpu_hours=4, resources={"gpus": 0.5})
    assert 7200 - 4 * 60 < hours.seconds <= 7200
    morning = told(**one, deadline="02:00 UTC")
    assert 7200 - 4 * 60 < morning.seconds <= 7200
    assert told(**one, time="2h", reserve="1h").seconds <= 3600
    patient = told(**one, patience=20)
    assert 20 < patient.trials < 2000
    assert told(trials=10, target=-9.0).trials == 10


def test_where_the_time_is_too_short_no_trial_ends() -> None:
    found = told(trials=None, time="20m", epoch_seconds=60.0)
    assert (found.first, found.completed) == (None, 0)


def test_the_same_sweep_has_the_same_forecast() -> None:
    assert told() == told()
    assert told() != told(seed=1)


def test_small_sweeps_are_simulated_often_and_large_ones_once() -> None:
    assert told(trials=20).simulations == 8
    assert told(trials=20).fewest < told(trials=20).most
    assert told(trials=2000).simulations == 1


def test_whatever_proposes_is_replaced_by_chance_unless_it_is_a_grid() -> None:
    assert told(sampler="gp") == told(sampler="tpe") == told(sampler="random")
    grid = {"a": {"values": [1, 2, 3]}, "b": {"values": [1, 2]}}
    assert told(sampler="grid", parameters=grid, trials=None).trials == 6


def test_of_several_objectives_one_is_simulated() -> None:
    several = told(metric=["loss", {"name": "size", "goal": "maximize"}, {"name": "ms", "max": 5}])
    assert several == told()


def test_variants_change_one_thing_each() -> None:
    changed = {
        name: (other.scheduler.model_dump(), other.model_dump(exclude={"scheduler"}))
        for name, other in variants(sweep(scheduler={"name": "asha", "eta": 3, "grace": 2}))
    }
    assert list(changed) == ["as written", "eta 2", "eta 4", "grace 6", "no early stopping"]
    settings, rest = changed["as written"]
    assert changed["eta 2"] == ({**settings, "eta": 2}, rest)
    assert changed["grace 6"] == ({**settings, "grace": 6}, rest)
    assert changed["no early stopping"] == ({"name": "none"}, rest)


@pytest.mark.parametrize(
    ("scheduler", "names"),
    [
        ("hyperband", ["as written", "eta 2", "eta 4", "grace 3", "no early stopping"]),
        ({"name": "asha", "eta": 5}, ["as written", "eta 2", "eta 3", "eta 4", "grace 3",
                                      "no early stopping"]),
        ({"name": "asha", "grace": 10}, ["as written", "eta 2", "eta 4", "no early stopping"]),
        ("median", ["as written", "grace 3", "no early stopping"]),
        ("none", ["as written", "asha"]),
    ],
    ids=str,
)  # fmt: skip
def test_each_scheduler_has_the_variants_that_it_can_have(
    scheduler: Any, names: list[str]
) -> None:
    assert [name for name, _ in variants(sweep(scheduler=scheduler))] == names


def test_a_plan_tells_all_variants_beginning_with_what_is_written() -> None:
    found = plan(sweep(trials=27), slots=4, epoch_seconds=60.0)
    epochs = {told.variant: told.epochs for told in found}
    assert found[0] == told(trials=27)
    assert epochs["grace 3"] > epochs["as written"]
    assert epochs["no early stopping"] == 27 * 27


def test_what_would_take_minutes_to_simulate_is_refused() -> None:
    with pytest.raises(NightsweepError) as refused:
        told(trials=None, time="10d", slots=1000, epoch_seconds=60.0)
    assert str(refused.value) == (
        f"about 14,400,000 epochs would have to be simulated, more than {LARGEST:,}; plan for "
        "fewer slots, trials or hours, and multiply"
    )


def test_how_many_go_on_hardly_depends_on_the_curves() -> None:
    """As the module's docstring claims."""
    quiet, loud = (
        statistics.fmean(
            _epochs(sweep(sampler="random", trials=100, seed=seed), noise) for seed in range(6)
        )
        for noise in (0.0, 0.3)
    )
    assert loud == pytest.approx(quiet, rel=0.15)


def _epochs(written: Sweep, noise: float) -> int:
    study = Study(written)
    for _ in simulate(study, PowerLaw(written, noise=noise), [Worker()] * 4):
        pass
    return study.trained
