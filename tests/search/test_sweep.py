from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search import Choice, Float, Int, Sweep
from nightsweep.search.errors import NightsweepError, Problem, SweepError
from nightsweep.search.objective import Metric
from nightsweep.search.resources import Resources
from nightsweep.search.samplers import Auto, Grid, Random
from nightsweep.search.schedulers import Asha, Never
from nightsweep.search.units import seconds

LR = {"min": 1e-5, "max": 1.0, "log": True}


def sweep(**changes: Any) -> Sweep:
    return Sweep(**({"metric": "val_loss", "parameters": {"lr": LR}} | changes))


def refusal(**changes: Any) -> str:
    with pytest.raises(SweepError) as caught:
        sweep(**changes)
    return str(caught.value)


def test_the_sampler_is_chosen_and_asha_stops_by_default_for_27_epochs_of_60_trials() -> None:
    made = sweep()
    assert (made.sampler, made.scheduler) == (Auto(), Asha(eta=3, grace=1))
    assert (made.max_epochs, made.limit, made.seed) == (27, 60, 0)


def test_integer_bounds_make_an_integer_and_decimal_ones_a_float() -> None:
    parameters = {"a": {"min": 1, "max": 4}, "b": {"min": 0.0, "max": 1.0}}
    made = sweep(parameters=parameters | {"c": {"min": 1, "max": 4.0}}).parameters
    assert made["a"] == Int(min=1, max=4)
    assert made["b"] == Float(min=0.0, max=1.0)
    assert isinstance(made["c"], Float)


def test_parameters_may_be_given_as_objects() -> None:
    parameters = {"lr": Float(min=0.0, max=1.0), "n": Int(min=1, max=2), "c": Choice(values=[1])}
    assert sweep(parameters=parameters).parameters == parameters


def test_anything_else_is_a_constant() -> None:
    constants = {"a": "relu", "b": 3, "c": 0.5, "d": True, "e": None, "f": [1, 2]}
    assert sweep(parameters=constants).space.constants == constants


def test_a_name_stands_for_the_metric_sampler_and_scheduler() -> None:
    made = sweep(metric="acc", sampler="random", scheduler="none")
    assert made.metric == Metric(name="acc", goal="minimize")
    assert (made.sampler, made.scheduler) == (Random(), Never())


def test_a_list_of_one_metric_is_that_metric() -> None:
    assert sweep(metric=[{"name": "acc", "goal": "maximize"}]).metric.goal == "maximize"


def test_the_first_metric_with_a_goal_is_the_metric() -> None:
    made = sweep(metric=[{"name": "mb", "max": 400}, "loss", {"name": "acc", "goal": "maximize"}])
    assert made.metric == Metric(name="loss", goal="minimize")
    assert [metric.name for metric in made.objectives] == ["loss", "acc"]
    assert [metric.name for metric in made.outcomes] == ["mb", "loss", "acc"]


def test_a_metric_with_bounds_has_a_goal_only_if_it_is_given() -> None:
    made = sweep(
        metric=["loss", {"name": "mb", "max": 4}, {"name": "f1", "goal": "maximize", "min": 0}]
    )
    assert [metric.goal for metric in made.outcomes] == ["minimize", None, "maximize"]


@pytest.mark.parametrize(
    "metric",
    ["loss", ["loss", {"name": "mb", "max": 400}], ["loss", {"name": "f1", "goal": "maximize"}]],
)
def test_metrics_are_written_as_they_are_given(metric: Any) -> None:
    made = sweep(metric=metric)
    assert Sweep(**json.loads(json.dumps(made.model_dump(mode="json")))) == made
    assert Sweep(**dict(made)) == made
    one = {"name": "loss", "goal": "minimize"}
    assert made.model_dump(mode="json")["metric"] == (one if metric == "loss" else [one, mock.ANY])


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (
            ["acc", {"name": "acc", "max": 1}],
            ": acc stands twice; goal, min and max of one go together",
        ),
        (
            [{"name": "mb", "max": 400}, {"name": "ms", "max": 9}],
            ": mb and ms only have bounds; give one a goal, minimize or maximize",
        ),
        ([], ": is empty; name at least one"),
        ({"name": "mb", "min": 3, "max": 2}, ": min 3 is above max 2; nothing lies between"),
        (["acc", {"name": "mb", "max": "big"}], ".1.max: must be a number, not 'big'"),
        (
            {"name": "acc", "gaol": "maximize"},
            '.gaol: unknown key; allowed: name, goal, min, max. Did you mean "goal"?',
        ),
        (3, ": must be a mapping, such as {a: 1}, not 3"),
    ],
    ids=["twice", "bounds alone", "none", "no room", "no number", "misspelt", "no name"],
)
def test_metrics_that_make_no_sense_are_refused(metric: Any, message: str) -> None:
    assert refusal(metric=metric) == f"sweep: metric{message}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("9h", 32400), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("2d", 172800)],
)
def test_a_duration_is_read_in_seconds(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["1.5h", " 1 H 30 M ", "5400s", "90m0s"])
def test_durations_may_be_written_in_other_ways(text: str) -> None:
    assert sweep(time=text, timeout=text).time == sweep(timeout=text).timeout == 5400


@pytest.mark.parametrize("text", ["9", "9x", "", "1h and 3m", "-9h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    message = f"sweep: time: {text!r} is not a duration; write 9h, 90m, 1h30m or 45s"
    assert refusal(time=text) == message
    assert refusal(timeout=text) == message.replace("time", "timeout")


def test_the_number_of_trials_is_limited_unless_time_or_a_grid_is() -> None:
    choice = {"a": {"values": [1, 2]}}
    assert sweep(time="1h").limit is None
    assert sweep(time="1h", trials=5).limit == 5
    assert sweep(parameters=choice, sampler="grid").limit is None


def test_what_is_missing_is_named_with_an_example() -> None:
    with pytest.raises(SweepError) as caught:
        Sweep()
    assert str(caught.value).splitlines() == [
        "sweep: metric: is missing; write metric: {name: val_loss, goal: minimize}",
        "sweep: parameters: is missing; write parameters: {lr: {min: 1e-5, max: 1.0, log: true}}",
    ]


def test_all_mistakes_are_found_at_once() -> None:
    with pytest.raises(SweepError) as caught:
        sweep(trials=0, sampler="tpa", parameters={"lr": {"min": 2, "max": 1}})
    keys = [problem.key for problem in caught.value.problems]
    assert keys == [("parameters", "lr", "min"), ("trials",), ("sampler",)]


def test_a_sweep_error_is_also_a_value_error() -> None:
    assert issubclass(SweepError, ValueError)
    assert issubclass(SweepError, NightsweepError)


def test_a_problem_of_the_whole_sweep_shows_no_key() -> None:
    assert str(Problem(key=(), message="is empty")) == "is empty"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trials": 2.5}, "trials: must be a whole number, not 2.5"),
        ({"trials": "many"}, "trials: must be a whole number, not 'many'"),
        ({"trials": 0}, "trials: must be at least 1, not 0"),
        ({"seed": -1}, "seed: must be at least 0, not -1"),
        ({"name": "a b"}, "name: may hold letters, digits, dot, dash and _, not 'a b'"),
        ({"resources": {"gpus": "one"}}, "resources.gpus: must be a number or auto, not 'one'"),
        ({"resources": {"cpus": -1}}, "resources.cpus: must be at least 0, not -1"),
        ({"scheduler": {"name": "asha", "eta": 1}}, "scheduler.eta: must be at least 2, not 1"),
        (
            {"scheduler": {"name": "asha", "grace": 30}},
            "scheduler.grace: grace 30 is beyond max_epochs 27; lower it",
        ),
        (
            {"resources": {"gpus": 1.5}},
            "resources.gpus: gpus above 1 must be whole, not 1.5; a trial gets a part of one GPU, "
            "or whole GPUs",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(changes: dict[str, Any], message: str) -> None:
    assert refusal(**changes) == f"sweep: {message}"


def test_an_empty_set_of_parameters_is_refused() -> None:
    assert refusal(parameters={}).startswith("sweep: parameters: ")


def test_infinitely_many_gpus_are_refused() -> None:
    assert refusal(resources={"gpus": float("inf")}).startswith("sweep: resources.gpus: ")


def test_how_many_trials_share_a_gpu_can_be_left_to_measure() -> None:
    needs = sweep(resources={"cpus": 2, "gpus": "auto"}).resources
    assert (needs.gpus, needs.auto, needs.most_gpus) == ("auto", True, 1.0)
    assert str(needs) == "2 CPU and a share of a GPU, as is measured"


@pytest.mark.parametrize("each", range(1, 33))
def test_shares_of_a_gpu_are_never_more_than_there_is_of_it(each: int) -> None:
    """As Ray counts: in ten thousandths."""
    share = Resources(gpus="auto").shared(each).most_gpus
    assert 1 - each / 10_000 <= each * share <= 1
    assert share == round(share, 4)


def test_what_the_sweep_says_of_gpus_is_not_shared_otherwise() -> None:
    assert Resources(gpus=0.5).shared(3).most_gpus == 0.5


@pytest.mark.parametrize("value", [float("inf"), float("nan"), [1.0, float("-inf")]])
def test_a_value_that_json_cannot_hold_is_refused(value: Any) -> None:
    """The journal could not hold the configuration."""
    assert refusal(parameters={"clip": value}).startswith("sweep: parameters.clip: ")
    choice = {"values": [1, value]}
    assert refusal(parameters={"clip": choice}).startswith("sweep: parameters.clip.values: ")


def test_a_trial_that_asks_for_nothing_is_refused() -> None:
    message = "cpus and gpus are both 0; give each trial a part of one at least"
    assert refusal(resources={"cpus": 0}) == f"sweep: resources: {message}"


def test_true_is_no_number_of_trials() -> None:
    assert refusal(trials=True) == "sweep: trials: must be a whole number, not True"


def test_even_a_key_named_self_is_only_an_unknown_key() -> None:
    assert refusal(self=1).startswith("sweep: self: unknown key; allowed: name, train,")


def test_a_scheduler_without_a_name_is_asked_for_one_of_those_there_are() -> None:
    message = "needs a name, one of asha, hyperband, median, none"
    assert refusal(scheduler={"eta": 3}) == f"sweep: scheduler: {message}"


def test_a_nested_mapping_is_no_constant() -> None:
    assert "sweep: parameters.model.min: is missing" in refusal(parameters={"model": {"depth": 3}})


def test_a_grid_needs_finite_parameters() -> None:
    message = "a grid needs a finite number of values; give values: [...] or a step"
    assert refusal(sampler="grid") == f"sweep: parameters.lr: {message}"


def test_too_large_a_grid_is_refused_with_its_size() -> None:
    parameters = {"a": {"min": 1, "max": 1000}, "b": {"min": 1, "max": 101}}
    message = "sweep: sampler: the grid has 101,000 points, more than 100,000; use sampler: tpe"
    assert refusal(sampler="grid", parameters=parameters) == message


CONSTANTS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(), st.floats(-9, 9)
)
BOUNDS = st.tuples(st.integers(-99, 99), st.integers(1, 99))
ANY_PARAMETER = st.one_of(
    CONSTANTS,
    st.lists(CONSTANTS),
    BOUNDS.map(lambda b: {"min": b[0], "max": b[0] + b[1]}),
    BOUNDS.map(lambda b: {"min": float(b[0]), "max": float(b[0] + b[1]), "step": 0.5}),
    st.lists(st.text(), min_size=1, unique=True).map(lambda values: {"values": values}),
)


@given(
    st.dictionaries(st.text(min_size=1), ANY_PARAMETER, min_size=1),
    st.sampled_from(["tpe", "random"]),
)
def test_a_sweep_survives_being_written_as_json(parameters: dict[str, Any], sampler: str) -> None:
    made = sweep(parameters=parameters, sampler={"name": sampler}, time="1h30m")
    again = Sweep(**json.loads(json.dumps(made.model_dump(mode="json"))))
    assert again == made
    assert repr(again.parameters) == repr(made.parameters)


def test_grid_settings_survive_being_written_as_json() -> None:
    made = sweep(sampler=Grid(), scheduler=Never(), parameters={"a": Choice(values=[1, None])})
    assert Sweep(**json.loads(json.dumps(made.model_dump(mode="json")))) == made


def test_a_whole_number_beyond_64_bits_is_refused() -> None:
    assert refusal(parameters={"a": 2**63}).startswith("sweep: parameters.a: 9223372036854775808 ")
    found = refusal(parameters={"a": {"min": 1, "max": 2**63}})
    assert found == f"sweep: parameters.a.max: {2**63} is beyond integers of 64 bits"


def test_an_endless_time_is_refused() -> None:
    assert refusal(time=float("inf")).startswith("sweep: time: ")
    assert refusal(time=True) == (
        "sweep: time: True is not a duration; write 9h, 90m, 1h30m or 45s"
    )


def test_a_constraint_alone_is_a_list_of_one() -> None:
    assert sweep(constraints="lr < 0.5").constraints == ["lr < 0.5"]
    assert sweep(constraints=("lr < 0.5", "lr > 0.1")).space.allows({"lr": 0.2})
    assert sweep().constraints == []


def test_constraints_may_name_constants_and_max_epochs() -> None:
    parameters = {"warmup": {"min": 0, "max": 9}, "rounds": 2}
    space = sweep(parameters=parameters, constraints="warmup <= max_epochs / 9 + rounds").space
    assert [space.allows({"warmup": n, "rounds": 2}) for n in (5, 6)] == [True, False]


def test_a_parameter_named_max_epochs_is_meant_before_that_of_the_sweep() -> None:
    made = sweep(parameters={"max_epochs": {"min": 1, "max": 3}}, constraints="max_epochs < 3")
    assert made.space.allows({"max_epochs": 2})


def test_every_mistake_in_constraints_is_told() -> None:
    assert refusal(constraints=["lr", 3, "lr <"]).splitlines() == [
        "sweep: constraints.1: must be text, not 3",
        "sweep: constraints.2: cannot be read: invalid syntax; write a comparison, such as "
        "lr * layers <= 0.5, or some joined by and, or, not",
    ]
    assert refusal(constraints=["lr", "l > 1"]).splitlines() == [
        "sweep: constraints.0: lr alone is not true or false; compare it, as in lr == ...",
        "sweep: constraints.1: there is no parameter 'l'; known: lr, max_epochs. "
        'Did you mean "lr"?',
    ]


def test_a_default_that_breaks_a_constraint_is_refused() -> None:
    message = "the default lr 0.001 cannot meet 'lr > 0.01'; change one or the other"
    parameters = {"lr": LR | {"default": 1e-3}}
    found = refusal(parameters=parameters, constraints=["lr < 1", "lr > 0.01"])
    assert found == f"sweep: constraints.1: {message}"


def test_constraints_of_parameters_that_wait_in_a_circle_are_not_tried() -> None:
    parameters = {"a": {"min": 1, "max": 2, "when": {"a": 1}}}
    assert refusal(parameters=parameters, constraints="a > 1").startswith("sweep: parameters.a")


def test_a_sweep_with_constraints_survives_being_written_as_json() -> None:
    made = sweep(constraints=["lr < 0.5"], replicates=3)
    again = Sweep(**json.loads(json.dumps(made.model_dump(mode="json"))))
    assert (again, again.replicates) == (made, 3)
