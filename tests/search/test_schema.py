from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from nightsweep.search.schema import schema
from nightsweep.search.sweepfile import read

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "examples" / "digits.yaml", ROOT / "cluster" / "starter" / "sweep.yaml"]
SMALL: dict[str, Any] = {"metric": "loss", "parameters": {"lr": {"min": 0.0, "max": 1.0}}}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema())


def small(**changes: Any) -> dict[str, Any]:
    return SMALL | changes


def test_the_schema_is_a_valid_schema_and_plain_json() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert json.loads(json.dumps(schema(), allow_nan=False)) == schema()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_sweep_files_that_we_ship_are_accepted(
    validator: jsonschema.Draft202012Validator, path: Path
) -> None:
    values, _ = read(path)
    assert [error.message for error in validator.iter_errors(values)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
@pytest.mark.parametrize(
    ("right", "wrong"),
    [("trials:", "trails:"), ("goal:", "gaol:"), ("log:", "lgo:"), ("values:", "vals:")],
)
def test_a_misspelt_key_in_them_is_rejected(
    validator: jsonschema.Draft202012Validator, path: Path, right: str, wrong: str
) -> None:
    values = yaml.safe_load(path.read_text().replace(right, wrong))
    assert not validator.is_valid(values)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"metric": {"name": "loss", "goal": "maximize"}},
        {"sampler": "grid", "scheduler": "none"},
        {"sampler": {"name": "tpe", "startup": 5}, "scheduler": {"name": "asha", "eta": 4}},
        {"scheduler": "hyperband"},
        {"scheduler": {"name": "median", "grace": 2, "min_trials": 3, "every": 2}},
        {"time": "1h30m"},
        {"time": 3600},
        {"parameters": {"a": "relu", "b": 3, "c": None, "d": True, "e": [1, 2]}},
        {"parameters": {"a": {"values": [1, "x"]}, "b": {"min": 1, "max": 2, "when": {"a": 1}}}},
        {"constraints": ["lr <= 0.5", "lr > 0.1 or lr < 0.01"], "replicates": 2},
        {"constraints": "lr <= 0.5"},
        {"metric": ["loss"]},
        {"metric": ["loss", {"name": "f1", "goal": "maximize"}, {"name": "mb", "max": 400}]},
        {"metric": {"name": "mb", "goal": "minimize", "max": 400}},
        {"time": "9H"},
        {"timeout": "10m"},
        {"checkpoints": {"keep": 5, "max": "1.5TB"}},
        {"from": "runs/a"},
        {"data": "my.csv", "trainable": "tabular"},
        {"data": ["my.csv"], "trainable": {"name": "tabular", "target": "price", "cv": 5}},
        {"command": "python train.py --lr {lr}"},
        {"from": ["runs/a", "runs/b"]},
        {"parameters": {"a": {"min": 1, "max": 2, "default": 1, "prior": "low"}}},
        {"parameters": {"a": {"values": ["x", "y"], "default": "x", "prior": "high"}}},
    ],
    ids=str,
)
def test_what_can_be_loaded_is_accepted(
    validator: jsonschema.Draft202012Validator, changes: dict[str, Any]
) -> None:
    assert [error.message for error in validator.iter_errors(small(**changes))] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"trials": 0},
        {"trials": "many"},
        {"time": "soon"},
        {"sampler": "tep"},
        {"scheduler": {"name": "asha", "factor": 3}},
        {"scheduler": {"name": "median", "eta": 3}},
        {"metric": {"goal": "minimize"}},
        {"metric": []},
        {"metric": ["loss", {"name": "mb", "most": 400}]},
        {"parameters": {}},
        {"parameters": {"lr": {"min": 0.0}}},
        {"parameters": {"lr": {"min": 0.0, "max": 1.0, "logg": True}}},
        {"resources": {"gpu": 1}},
        {"constraints": [0.5]},
        {"replicates": 0},
        {"checkpoints": {"max": "20G"}},
        {"from": [1]},
        {"parameters": {"a": {"min": 1, "max": 2, "default": 1, "prior": "sure"}}},
    ],
    ids=str,
)
def test_what_cannot_be_loaded_is_rejected(
    validator: jsonschema.Draft202012Validator, changes: dict[str, Any]
) -> None:
    assert not validator.is_valid(small(**changes))


def test_metric_and_parameters_are_required_where_no_trainable_brings_them() -> None:
    required = [one["required"] for one in schema()["anyOf"]]
    assert required == [["metric", "parameters"], ["trainable"]]


def test_every_key_of_the_top_level_is_explained_or_named_by_itself() -> None:
    explained = {key for key, value in schema()["properties"].items() if "description" in value}
    assert {"name", "train", "max_epochs", "trials", "time"} <= explained
