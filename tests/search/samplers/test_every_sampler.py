"""What holds for every sampler that proposes by itself and without end: all but auto and grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightsweep.search import Choice, Float, Int, Study, Sweep
from nightsweep.search.events import Asked, Event
from nightsweep.search.history import History, Observation, Observations, Proposal
from nightsweep.search.samplers import Grid, Random, Sampler, SamplerSettings
from nightsweep.search.samplers.random import draw
from nightsweep.search.simulate import Curve, Worker, simulate
from nightsweep.search.space import Config, Space
from nightsweep.search.tried import Tried

KINDS = [
    k for k in get_args(get_args(SamplerSettings)[0]) if hasattr(k, "build") and k is not Grid
]
every_sampler = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
MIXED = Space(
    {
        "lr": Float(min=1e-5, max=1.0, log=True),
        "dropout": Float(min=0.0, max=0.5, step=0.1),
        "layers": Int(min=1, max=4),
        "units": Int(min=16, max=256, log=True, step=2),
        "optimizer": Choice(values=["sgd", "adam"]),
        "momentum": Float(min=0.0, max=0.99, when={"optimizer": "sgd"}),
        "nesterov": Choice(values=[True, False], when={"optimizer": "sgd"}),
        "width": 64,
    }
)
NUMBERS = range(61, 66)


def history(space: Space, count: int, value: Callable[[Config], float]) -> History:
    """Random configurations with their values at epoch 1; every seventh has diverged."""

    def seen(trial: int) -> Observation:
        config = draw(space, 99, trial)
        lost = trial % 7 == 0 or math.isinf(value(config))
        values = {} if lost else {1: value(config)}
        return Observation(trial=trial, config=config, values=values, diverged=lost)

    return of(seen(trial) for trial in range(1, count + 1))


def of(observations: Iterable[Observation], tried: Container[Config] = ()) -> History:
    """The history that a study makes of these results."""
    collected = Observations()
    for observation in observations:
        collected.put(observation)
    return collected.history(tried)


def smooth(config: Config) -> float:
    return float(math.log10(config["lr"]) ** 2 + config["layers"])


def proposals(sampler: Sampler, known: History) -> list[Proposal | None]:
    return [sampler.propose(number, known) for number in NUMBERS]


def configs(kind: Any, space: Space, known: History, seed: int = 0) -> Iterator[Config]:
    for proposal in proposals(kind().build(space, seed), known):
        assert proposal is not None
        yield proposal.config


@every_sampler
def test_space_seed_number_and_history_decide(kind: Any) -> None:
    known = history(MIXED, 60, smooth)
    ours = list(configs(kind, MIXED, known))
    assert ours == list(configs(kind, MIXED, known))
    assert ours != list(configs(kind, MIXED, known, seed=1))
    assert len({repr(config) for config in ours}) == len(ours)


@every_sampler
def test_what_was_asked_before_makes_no_difference(kind: Any) -> None:
    """A driver that has just resumed proposes what the one that was killed would have."""
    known = history(MIXED, 60, smooth)
    other = history(MIXED, 60, lambda config: -smooth(config))
    late = of(o for o in known.observations if o.trial not in (3, 30, 59))
    sampler = kind().build(MIXED, 0)
    earlier = [history(MIXED, count, smooth) for count in (25, 40, 59)]
    for before in (*earlier, other, late):
        proposals(sampler, before)
    assert proposals(sampler, known) == proposals(kind().build(MIXED, 0), known)


@every_sampler
def test_trials_in_progress_are_kept_off_and_their_results_are_not_waited_for(kind: Any) -> None:
    collected, tried = Observations(), Tried(MIXED)
    for observation in history(MIXED, 40, smooth).observations:
        collected.began(observation.trial, observation.config)
        collected.put(observation)
        tried.add(observation.config)
    used, asked = kind().build(MIXED, 0), []
    for number in range(41, 61):
        known = collected.history(tried)
        assert len(known.pending) == number - 41
        proposal = used.propose(number, known)
        assert proposal == kind().build(MIXED, 0).propose(number, known)
        assert proposal.config not in asked
        asked.append(proposal.config)
        tried.add(proposal.config)
        collected.began(number, proposal.config)


@every_sampler
def test_defaults_come_first(kind: Any) -> None:
    space = Space(
        dict(MIXED.parameters) | {"lr": Float(min=1e-5, max=1.0, log=True, default=3e-4)}
    )
    first = kind().build(space, 0).propose(1, history(space, 30, smooth))
    assert first is not None
    assert (first.config["lr"], first.origin) == (3e-4, "defaults")


@every_sampler
def test_a_parameter_is_there_where_it_is_used_and_nowhere_else(kind: Any) -> None:
    sampler, known = kind().build(MIXED, 0), history(MIXED, 60, smooth)
    proposed = [sampler.propose(number, known).config for number in range(61, 101)]
    assert {config["optimizer"] for config in proposed} == {"sgd", "adam"}
    for config in proposed:
        sgd = config["optimizer"] == "sgd"
        assert ("momentum" in config) == ("nesterov" in config) == sgd
        assert config["width"] == 64


@st.composite
def ranges(draw: st.DrawFn) -> Float | Int:
    whole, log = draw(st.booleans()), draw(st.booleans())
    low = draw(st.integers(1 if log else -50, 50))
    high = low + draw(st.integers(1, 200))
    step = draw(st.sampled_from([None, 2 if log else 1]))
    if whole:
        return Int(min=low, max=high, log=log, step=step)
    return Float(min=low / 8, max=high / 8, log=log, step=step if log or not step else step / 8)


CHOICES = st.lists(
    st.sampled_from(["a", "b", True, None, 1, 2, 3]), min_size=1, unique_by=repr
).map(lambda values: Choice(values=values))


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Some numbers, a choice, and parameters that are used with its first value only."""
    choice = draw(CHOICES)
    when = {"choice": choice.values[0]}
    parameters: dict[str, Any] = {"x": Float(min=0.0, max=1.0), "choice": choice, "constant": 1}
    for index, parameter in enumerate(draw(st.lists(ranges() | CHOICES, max_size=4))):
        if draw(st.booleans()):
            parameter = parameter.model_copy(update={"when": when})
        parameters[f"p{index}"] = parameter
    return Space(parameters)


@every_sampler
@settings(max_examples=10)
@given(space=spaces(), value=st.sampled_from([0.0, 1.0, -1.0, math.inf]))
def test_every_proposal_lies_in_the_space(kind: Any, space: Space, value: float) -> None:
    """Also where all results are equal, or only a few trials have not diverged."""
    known = history(space, 60, lambda config: value * config["x"])
    for config in configs(kind, space, known):
        assert all(p.contains(config[n]) for n, p in space.parameters.items() if n in config)
        assert [n for n in space.parameters if n in config] == [
            n for n in space.parameters if space.active(n, config)
        ]


@every_sampler
def test_nothing_is_tried_twice_and_a_space_that_is_used_up_is_used_up(kind: Any) -> None:
    space = Space({"n": Int(min=1, max=5), "c": Choice(values=["a", "b"])})
    tried = Tried(space)
    seen = [Observation(trial=1, config={"n": 1, "c": "a"}, values={1: 0.5})]
    tried.add(seen[0].config)
    sampler = kind().build(space, 0)
    while proposal := sampler.propose(len(seen) + 1, of(seen, tried)):
        tried.add(proposal.config)
        value = {1: float(proposal.config["n"])}
        seen.append(Observation(trial=len(seen) + 1, config=proposal.config, values=value))
    assert len({repr(sorted(o.config.items())) for o in seen}) == len(seen) == 10


@every_sampler
def test_constraints_are_kept(kind: Any) -> None:
    space = Space(dict(MIXED.parameters), ["layers * units <= 128", "optimizer != 'sgd'"])
    known = history(MIXED, 60, lambda config: -config["layers"] * config["units"])
    for config in configs(kind, space, known):
        assert config["layers"] * config["units"] <= 128
        assert config["optimizer"] == "adam"


@every_sampler
def test_instead_of_what_is_forbidden_the_method_says_something_else(kind: Any) -> None:
    space = Space({name: Float(min=0.0, max=1.0) for name in "xy"}, ["x <= 0.5"])
    known = history(space, 60, lambda config: config["y"])
    sampler, chance = kind().build(space, 0), Random().build(space, 0)
    own = 0
    for number in range(61, 71):  # some draw every third by chance, as it is
        proposal = sampler.propose(number, known)
        assert proposal is not None
        assert proposal.config["x"] <= 0.5
        own += proposal != chance.propose(number, known)
    assert own == 0 if kind is Random else own >= 6


@every_sampler
@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_a_sweep_that_is_resumed_goes_on_with_the_same_configurations(
    kind: Any, goal: str
) -> None:
    sign = 1 if goal == "minimize" else -1

    def train(config: Config) -> Curve:
        end = math.inf if config["c"] == "bad" and config["x"] > 0.5 else 0.0
        losses = [abs(config["x"] - 0.3) + 1 / epoch for epoch in range(1, 10)]
        return Curve(metrics=[{"m": sign * (loss + end)} for loss in losses])

    sweep = Sweep(
        metric={"name": "m", "goal": goal},
        parameters={"x": Float(min=0.0, max=1.0), "c": Choice(values=["good", "bad"])},
        max_epochs=9,
        trials=40,
        sampler=kind(),
    )
    events: list[Event] = []
    study = Study(sweep, record=events.append)
    for _ in simulate(study, train, [Worker()] * 6):
        pass
    opened = [i for i, e in enumerate(events) if isinstance(e, Asked) and e.config is not None]
    assert len(opened) == 40
    for i in opened[-4:]:
        asked: list[Event] = []
        Study.replay(sweep, events[:i], asked.append).ask()
        assert asked == [events[i]]


@every_sampler
def test_that_holds_with_steps_conditions_constraints_and_trials_that_fail(kind: Any) -> None:
    """From any point of the sweep, not only at its end."""

    def train(config: Config) -> Curve:
        if config["layers"] == 4:
            return Curve(metrics=[{"m": math.nan}])
        losses = [smooth(config) + 1 / epoch for epoch in range(1, 10)]
        fails = "out of memory" if config["dropout"] > 0.35 else ""
        return Curve(metrics=[{"m": loss} for loss in losses[: 2 if fails else 9]], fails=fails)

    sweep = Sweep(
        metric="m",
        parameters=MIXED.parameters | MIXED.constants,
        constraints=["layers * units <= 256", "optimizer != 'sgd' or lr <= 0.1"],
        max_epochs=9,
        trials=50,
        sampler=kind(),
    )
    events: list[Event] = []
    study = Study(sweep, record=events.append)
    for _ in simulate(study, train, [Worker(loss=0.02)] * 6):
        pass
    assert all(sweep.space.allows(known.config) for known in study.trials.values())
    opened = [i for i, e in enumerate(events) if isinstance(e, Asked) and e.config is not None]
    assert len(opened) == 50
    for i in opened[::7]:
        asked: list[Event] = []
        Study.replay(sweep, events[:i], asked.append).ask()
        assert asked == [events[i]]
