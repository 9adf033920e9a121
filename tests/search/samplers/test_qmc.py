from __future__ import annotations

import statistics
from typing import Any

import numpy as np
from scipy.stats.qmc import discrepancy

from nightsweep.search import Choice, Float, Int
from nightsweep.search.history import History, Observation
from nightsweep.search.samplers import Qmc, Random
from nightsweep.search.space import Config, Space

CUBE = Space({name: Float(min=0.0, max=1.0) for name in "abc"})
PARAMETERS: dict[str, Any] = {
    "lr": Float(min=1e-5, max=1.0, log=True),
    "optimizer": Choice(values=["sgd", "adam"]),
    "momentum": Float(min=0.0, max=0.99, when={"optimizer": "sgd"}),
}


def proposed(sampler: Any, space: Space, seed: int, count: int) -> list[Config]:
    built = sampler.build(space, seed)
    return [built.propose(number, History()).config for number in range(1, count + 1)]


def unevenness(sampler: Any, seed: int) -> float:
    points = [[config[name] for name in "abc"] for config in proposed(sampler, CUBE, seed, 64)]
    return float(discrepancy(np.array(points)))


def test_points_cover_the_space_more_evenly_than_chance() -> None:
    ours = [unevenness(Qmc(), seed) for seed in range(10)]
    chance = [unevenness(Random(), seed) for seed in range(10)]
    assert max(ours) < min(chance)
    assert statistics.mean(ours) < statistics.mean(chance) / 4


def test_every_eighth_of_a_side_gets_one_of_the_first_eight_points() -> None:
    for name in "abc":
        eighths = {int(config[name] * 8) for config in proposed(Qmc(), CUBE, 0, 8)}
        assert eighths == set(range(8))


def test_defaults_use_up_no_point() -> None:
    lr = Float(min=1e-5, max=1.0, log=True, default=1e-3)
    with_default = proposed(Qmc(), Space(PARAMETERS | {"lr": lr}), 0, 9)
    assert with_default[0]["lr"] == 1e-3
    assert with_default[1:] == proposed(Qmc(), Space(PARAMETERS), 0, 8)


def test_each_seed_has_a_sequence_of_its_own() -> None:
    sequences = [proposed(Qmc(), CUBE, seed, 4) for seed in (0, 0, 1)]
    assert sequences[0] == sequences[1]
    assert all(config not in sequences[0] for config in sequences[2])


def test_a_point_depends_on_its_number_alone() -> None:
    seen = Observation(trial=1, config={"a": 0.5, "b": 0.5, "c": 0.5}, values={1: 0.1})
    history = History(observations=[seen], pending=[(2, seen.config)])
    proposal = Qmc().build(CUBE, seed=0).propose(9, history)
    assert proposal is not None
    assert proposal.config == proposed(Qmc(), CUBE, 0, 9)[8]
    assert proposal.origin == "point 9 of a Sobol sequence"


def test_a_parameter_keeps_its_dimension_whether_others_are_used_or_not() -> None:
    always = PARAMETERS | {"momentum": Float(min=0.0, max=0.99)}
    sometimes = proposed(Qmc(), Space(PARAMETERS), 0, 16)
    for config, full in zip(sometimes, proposed(Qmc(), Space(always), 0, 16), strict=True):
        assert config == {name: full[name] for name in config}
    assert sum("momentum" in config for config in sometimes) == 8


def test_a_point_that_a_constraint_forbids_is_replaced_by_another() -> None:
    space = Space(dict(CUBE.parameters), ["a <= 0.5"])
    free, bound = (proposed(Qmc(), each, 0, 32) for each in (CUBE, space))
    kept = [config for config in free if config["a"] <= 0.5]
    assert [config for config in bound if config in kept] == kept
    assert all(config["a"] <= 0.5 for config in bound)


def test_far_into_the_sequence_points_are_as_good() -> None:
    built = Qmc().build(Space({"n": Int(min=0, max=7)}), seed=0)
    late = [built.propose(2**20 + number, History()) for number in range(1, 9)]
    assert {proposal.config["n"] for proposal in late if proposal} == set(range(8))


def test_constants_alone_are_one_point() -> None:
    assert proposed(Qmc(), Space({"width": 64}), 0, 2) == [{"width": 64}] * 2
