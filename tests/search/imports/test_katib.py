from __future__ import annotations

import copy
from typing import Any

import pytest

from nightsweep.search.errors import SweepError
from nightsweep.search.sweepfile import read

from .drafts import FILES, drafted, notes, of


def experiment() -> Any:
    return copy.deepcopy(read(FILES / "katib.yaml")[0])


def space(**feasible: Any) -> Any:
    given = experiment()
    kind = feasible.pop("kind", "double")
    given["spec"]["parameters"] = [{"name": "x", "parameterType": kind, "feasibleSpace": feasible}]
    del given["spec"]["trialTemplate"]
    return of(given, "katib").parameters["x"]


def test_an_experiment_becomes_a_sweep_file() -> None:
    values = drafted("katib.yaml").values
    assert values["parameters"] == {
        "lr": {"min": 1e-4, "max": 0.1, "log": True},
        "num-epochs": {"min": 3, "max": 10},
        "optimizer": {"values": ["sgd", "adam", "ftrl"]},
    }
    assert values["metric"] == {"name": "loss", "goal": "minimize"}
    assert values["scheduler"] == {"name": "median", "grace": 2, "min_trials": 1}
    assert values["resources"] == {"cpus": 0.5, "gpus": 0}
    names = ("name", "target", "sampler", "trials", "slots", "max_epochs")
    assert [values[n] for n in names] == ["median-stop", 0.001, "random", 15, 2, 10]


def test_the_command_of_the_primary_container_has_our_placeholders() -> None:
    assert drafted("katib.yaml").values["command"] == (
        "python3 /opt/pytorch-mnist/mnist.py --epochs={num-epochs} --lr={lr} "
        "--optimizer={optimizer} --log-path=/tmp/{trial}"
    )


def test_the_container_of_a_pytorch_job_is_found_too() -> None:
    given = experiment()
    template = given["spec"]["trialTemplate"]
    pod = template["trialSpec"]["spec"]["template"]
    pod["spec"]["containers"].insert(0, {"name": "sidecar", "command": ["sleep"]})
    template["trialSpec"] = {
        "kind": "PyTorchJob",
        "spec": {"pytorchReplicaSpecs": {"Master": {"replicas": 1, "template": pod}}},
    }
    assert of(given, "katib").values["command"].startswith("python3 /opt")


@pytest.mark.parametrize(
    ("feasible", "expected"),
    [
        ({"min": "0.1", "max": "0.5"}, {"min": 0.1, "max": 0.5}),
        ({"min": "0.1", "max": "0.5", "step": "0.1"}, {"min": 0.1, "max": 0.5, "step": 0.1}),
        ({"kind": "int", "min": "2", "max": "8", "step": "2"}, {"min": 2, "max": 8, "step": 2}),
        ({"kind": "discrete", "list": ["0.5", "2"]}, {"values": [0.5, 2]}),
        ({"kind": "categorical", "list": ["0.5", "2"]}, {"values": ["0.5", "2"]}),
    ],
)
def test_spaces_have_a_counterpart(feasible: dict[str, Any], expected: Any) -> None:
    assert space(**feasible) == expected


def test_hyperband_brings_its_own_number_of_epochs() -> None:
    given = experiment()
    settings = {"resource_name": "num-epochs", "eta": "3", "r_l": "9"}
    listed = [{"name": name, "value": value} for name, value in settings.items()]
    given["spec"]["algorithm"] = {"algorithmName": "hyperband", "algorithmSettings": listed}
    draft = of(given, "katib")
    assert draft.values["max_epochs"] == 9
    assert draft.values["scheduler"] == {"name": "hyperband", "eta": 3}
    assert "num-epochs" in notes(draft, "max_epochs")


def test_what_has_no_counterpart_is_named() -> None:
    draft = drafted("katib.yaml")
    assert "maxFailedTrialCount" in notes(draft, "")
    assert "1Gi memory" in notes(draft, "resources")
    assert "pytorch-mnist-cpu" in notes(draft, "command")


def test_a_placeholder_that_names_no_parameter_is_refused() -> None:
    given = experiment()
    given["spec"]["parameters"].pop(0)
    with pytest.raises(SweepError, match=r"\$\{trialParameters.learningRate\} names no parameter"):
        of(given, "katib")


def test_a_bound_that_is_no_number_is_refused_by_its_parameter() -> None:
    with pytest.raises(SweepError, match=r"spec.parameters.x: needs numbers, not 'low'"):
        space(min="low", max="0.5")
