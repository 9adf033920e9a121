from __future__ import annotations

import math
from typing import Any

import pytest

from nightsweep.search.errors import SweepError

from .drafts import drafted, notes, of


def parameter(kind: str, *value: Any) -> Any:
    return of({"x": {"_type": kind, "_value": [*value]}}, "nni").parameters["x"]


def test_an_experiment_takes_its_space_from_the_file_beside_it() -> None:
    values = drafted("nni-config.yml").values
    assert values["parameters"] | {"weight_decay": ...} == {
        "batch_size": {"values": [16, 32, 64, 128]},
        "hidden_size": {"min": 128, "max": 1024, "log": True},
        "layers": {"min": 1, "max": 4},
        "lr": {"min": 1e-4, "max": 0.1, "log": True},
        "momentum": {"min": 0.0, "max": 1.0},
        "dropout": {"min": 0.1, "max": 0.5, "step": 0.05},
        "weight_decay": ...,
        "epochs": 9,
    }
    assert values["constraints"] == ["hidden_size % 16 == 0"]
    assert values["metric"] == {"name": "default", "goal": "maximize"}
    assert values["command"] == "python3 mnist.py"
    names = ("trials", "slots", "time", "sampler", "max_epochs")
    assert [values[name] for name in names] == [30, 2, "1h", "tpe", 9]


def test_a_log_normal_distribution_becomes_the_range_that_holds_most_of_it() -> None:
    found = parameter("lognormal", 0, 1)
    assert found["min"] == pytest.approx(math.exp(-2), rel=1e-5)
    assert found["max"] == pytest.approx(math.exp(2), rel=1e-5)
    assert (found["default"], found["log"], found["prior"]) == (1.0, True, "low")


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("randint", [1, 5], {"min": 1, "max": 4}),
        ("randint", [5], {"min": 0, "max": 4}),
        ("randint", [4, 5], 4),
        ("quniform", [0, 10, 2], {"min": 0, "max": 10, "step": 2}),
        ("quniform", [0.1, 0.5, 0.1], {"min": 0.1, "max": 0.5, "step": 0.1}),
        ("qloguniform", [1, 64, 1], {"min": 1, "max": 64, "log": True}),
        ("choice", ["a"], "a"),
    ],
)
def test_distributions_have_a_counterpart(kind: str, value: list[Any], expected: Any) -> None:
    assert parameter(kind, *value) == expected


def test_a_choice_of_spaces_becomes_conditions() -> None:
    draft = drafted("nni-nested.json")
    assert draft.parameters == {
        "layer0": {"values": ["Empty", "Conv", "Max_pool", "Avg_pool"]},
        "layer0.kernel_size": {"values": [1, 2, 3, 5], "when": {"layer0": "Conv"}},
        "layer0.stride": {"min": 1, "max": 2, "when": {"layer0": ["Conv", "Max_pool"]}},
        "layer0.Max_pool.pooling_size": {"values": [2, 3, 5], "when": {"layer0": "Max_pool"}},
        "layer0.Avg_pool.pooling_size": {"values": [2, 3], "when": {"layer0": "Avg_pool"}},
        "lr": {"min": 1e-4, "max": 0.1, "log": True},
    }
    assert "layer0.kernel_size" in notes(draft, "parameters.layer0")


def test_conditions_may_be_nested() -> None:
    inner = {"_name": "b", "y": {"_type": "uniform", "_value": [0, 1]}}
    outer = {"_name": "a", "x": {"_type": "choice", "_value": [inner, {"_name": "c"}]}}
    draft = of({"w": {"_type": "choice", "_value": [outer, {"_name": "d"}]}}, "nni")
    assert draft.parameters["w.x"] == {"values": ["b", "c"], "when": {"w": "a"}}
    assert draft.parameters["w.x.y"]["when"] == {"w.x": "b"}


def test_a_median_assessor_becomes_the_median_rule() -> None:
    assert drafted("nni-config.yml").values["scheduler"] == {"name": "median", "grace": 2}


def test_hyperband_of_version_1_brings_its_own_number_of_epochs() -> None:
    values = drafted("nni-v1.yml").values
    assert values["max_epochs"] == 60
    assert values["scheduler"] == {"name": "hyperband", "eta": 3}
    assert values["metric"]["goal"] == "minimize"
    assert values["resources"]["gpus"] == 1
    assert (values["trials"], values["time"], values["slots"]) == (10, "30m", 1)


def test_a_command_that_needs_a_shell_gets_one() -> None:
    command = drafted("nni-v1.yml").values["command"]
    assert command == "sh -c 'python3 mnist.py --log out.txt | tee log'"


def test_a_space_alone_says_what_is_missing() -> None:
    draft = drafted("nni-search-space.json")
    assert "command" not in draft.values
    assert draft.example == ("command", "python train.py")
    assert "this is a search space alone" in notes(draft, "")


def test_a_tuner_without_counterpart_is_named() -> None:
    space = {"x": {"_type": "uniform", "_value": [0, 1]}}
    tuner = {"className": "mine.Tuner", "codeDirectory": "."}
    draft = of({"searchSpace": space, "trialCommand": "a", "tuner": tuner}, "nni")
    assert "no counterpart: mine.tuner" in notes(draft, "sampler")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"_type": "uniform", "_value": [0]}, "uniform takes 2 numbers, not 1"),
        ({"_type": "zipf", "_value": [0, 1]}, "zipf is none of NNI's"),
        ({"_type": "choice", "_value": []}, "needs a list of values"),
        ({"_type": "randint", "_value": ["a", "b"]}, "needs numbers, not 'b'"),
    ],
)
def test_a_wrong_hyperparameter_is_refused_by_its_name(raw: Any, message: str) -> None:
    with pytest.raises(SweepError, match=message) as refused:
        of({"x": raw}, "nni")
    assert refused.value.problems[0].key[:2] == ("searchSpace", "x")
