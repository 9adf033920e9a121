from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nightsweep.search import Float, Int, Sweep
from nightsweep.search.errors import SweepError
from nightsweep.search.sweepfile import load

Write = Callable[[str, str], Path]
EXAMPLES = Path(__file__).parents[2] / "examples"

YAML = """\
name: digits
metric: {name: val_loss, goal: minimize}
parameters:
  lr: {min: 1e-5, max: 1.0, log: true, default: 1e-3}
  batch_size: {values: [16, 32], default: 32}
  optimizer: {values: [sgd, adam]}
  momentum:
    min: 0.0
    max: 0.99
    when: {optimizer: [sgd]}
  activation: relu
time: 1h30m
scheduler: {name: asha, grace: 2}
"""
TOML = """\
name = "digits"
time = "1h30m"
[metric]
name = "val_loss"
goal = "minimize"
[parameters]
lr = {min = 1e-5, max = 1.0, log = true, default = 1e-3}
batch_size = {values = [16, 32], default = 32}
optimizer.values = ["sgd", "adam"]
activation = "relu"
[parameters.momentum]
min = 0.0
max = 0.99
when = {optimizer = ["sgd"]}
[scheduler]
name = "asha"
grace = 2
"""
JSON = """\
{"name": "digits", "time": "1h30m", "metric": {"name": "val_loss", "goal": "minimize"},
 "parameters": {
   "lr": {"min": 1e-5, "max": 1.0, "log": true, "default": 1e-3},
   "batch_size": {"values": [16, 32], "default": 32},
   "optimizer": {"values": ["sgd", "adam"]},
   "momentum": {"min": 0.0, "max": 0.99, "when": {"optimizer": ["sgd"]}},
   "activation": "relu"},
 "scheduler": {"name": "asha", "grace": 2}}
"""


def refusal(path: Path) -> str:
    """What is said about a file, with its folder left out."""
    with pytest.raises(SweepError) as caught:
        load(path)
    return str(caught.value).replace(f"{path.parent}/", "")


def small(lr: str = "{min: 1e-5, max: 1.0, log: true}", more: str = "") -> str:
    """A sweep file whose line 3 is lr; `more` follows from line 4."""
    return f"metric: val_loss\nparameters:\n  lr: {lr}\n{more}"


def test_yaml_toml_and_json_say_the_same(write: Write) -> None:
    yaml, toml = load(write("a.yaml", YAML)), load(write("a.toml", TOML))
    assert yaml == toml == load(write("a.json", JSON))
    assert yaml.time == 5400
    assert list(yaml.parameters)[:2] == ["lr", "batch_size"]


def test_an_exponent_without_a_point_is_a_number_in_yaml(write: Write) -> None:
    parameters = load(write("a.yaml", small())).parameters
    assert parameters["lr"] == Float(min=0.00001, max=1.0, log=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-5", 1e-5), ("1E5", 1e5), ("-2.5e-3", -0.0025), (".5", 0.5), ("3.", 3.0), ("7", 7)],
)
def test_numbers_in_yaml_are_numbers(write: Write, text: str, value: float) -> None:
    found = load(write("a.yaml", small(more=f"  c: {text}\n"))).parameters["c"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "word", ["off", "no", "on", "yes", "n", "y", "1e", "e5", "1:30", "2025-01-31"]
)
def test_words_in_yaml_stay_words(write: Write, word: str) -> None:
    text = small(more=f"  c: {word}\n")
    assert load(write("a.yaml", text)).parameters["c"] == word


def test_true_and_false_are_booleans_and_empty_is_none(write: Write) -> None:
    constants = load(write("a.yml", small(more="  c: true\n  d: False\n  e:\n"))).space.constants
    assert constants == {"c": True, "d": False, "e": None}


def test_integer_bounds_make_an_integer_and_decimal_ones_a_float(write: Write) -> None:
    text = small("{min: 1, max: 4}", "  p: {min: 0.0, max: 1.0}\n  q: {min: 1, max: 1e3}\n")
    parameters = load(write("a.yaml", text)).parameters
    assert isinstance(parameters["lr"], Int)
    assert isinstance(parameters["p"], Float)
    assert isinstance(parameters["q"], Float)


def test_a_date_in_toml_is_refused_since_no_configuration_can_hold_it(write: Write) -> None:
    text = 'metric = "loss"\n[parameters]\nday = 2025-01-31\n'
    assert refusal(write("a.toml", text)).startswith("a.toml:3: parameters.day: ")


def test_a_sweep_without_a_name_is_named_after_its_file(write: Write) -> None:
    assert load(write("my sweep (2).yaml", small())).name == "my-sweep-2"


@pytest.mark.parametrize("name", ["_digits.yaml", "-.yaml", "übung.yaml", "数字.yaml"])
def test_a_file_may_have_any_name(write: Write, name: str) -> None:
    assert load(write(name, small())).name


def test_changes_replace_what_is_written(write: Write) -> None:
    path = write("a.yaml", small(more="trials: 7\nseed: 3\n"))
    found = load(path, trials=100, seed=None)
    assert (found.trials, found.seed) == (100, 3)


def test_the_example_of_the_digits_loads() -> None:
    sweep = load(EXAMPLES / "digits.yaml")
    units = sweep.parameters["units"]
    assert isinstance(units, Int)
    assert [units.level(index) for index in range(units.count or 0)] == [16, 32, 64, 128, 256]
    assert (sweep.name, sweep.trials, sweep.max_epochs) == ("digits", 60, 20)
    assert list(sweep.space.problems()) == []


TOP = (
    "name, train, trainable, metric, parameters, constraints, max_epochs, trials, replicates, "
    "time, gpu_hours, deadline, window, reserve, target, patience, timeout, sampler, scheduler, "
    "resources, slots, retries, checkpoints, submit, seed, data, from"
)
RANGE = "min, max, log, step, default, prior, when"


MISTAKES = {
    "unknown key": (
        small(more="trails: 9\n"),
        f'a.yaml:4: trails: unknown key; allowed: {TOP}. Did you mean "trials"?',
    ),
    "key of another tool": (
        small(more="num_samples: 9\n"),
        f'a.yaml:4: num_samples: unknown key; allowed: {TOP}. Did you mean "trials"?',
    ),
    "misspelt option": (
        small("\n    min: 1\n    max: 2\n    lgo: true"),
        f'a.yaml:6: parameters.lr.lgo: unknown key; allowed: {RANGE}. Did you mean "log"?',
    ),
    "misspelt choice option": (
        small("{values: [1, 2], defualt: 1}"),
        "a.yaml:3: parameters.lr.defualt: unknown key; allowed: values, default, prior, when. "
        'Did you mean "default"?',
    ),
    "unknown resource": (
        small(more="resources: {gpu: 1}\n"),
        "a.yaml:4: resources.gpu: unknown key; allowed: cpus, gpus, processes. "
        'Did you mean "gpus"?',
    ),
    "option of another tool": (
        small(more="scheduler:\n  name: asha\n  reduction_factor: 4\n"),
        "a.yaml:6: scheduler.reduction_factor: unknown key; allowed: name, eta, grace, "
        "mode, form, audit. "
        'Did you mean "eta"?',
    ),
    "unknown sampler": (
        small(more="sampler: tep\n"),
        "a.yaml:4: sampler: 'tep' is not one of auto, gp, tpe, random, grid, qmc, cmaes, nsga2. "
        'Did you mean "tpe"?',
    ),
    "unknown scheduler": (
        small(more="scheduler: {name: medianstop}\n"),
        "a.yaml:4: scheduler: 'medianstop' is not one of asha, hyperband, median, none. "
        'Did you mean "median"?',
    ),
    "constraint that cannot be read": (
        small(more="constraints:\n  - lr > 0\n  - lr * 2\n"),
        "a.yaml:6: constraints.1: 'lr * 2' is not true or false; write a comparison, such as "
        "lr * layers <= 0.5, or some joined by and, or, not",
    ),
    "constraint on nothing": (
        small(more="constraints: [lr > 0,\n  l > 1]\n"),
        "a.yaml:5: constraints.1: there is no parameter 'l'; known: lr, max_epochs. "
        'Did you mean "lr"?',
    ),
    "only constraint": (
        small(more="constraints: lr > 9\n"),
        "a.yaml:4: constraints.0: no configuration meets 'lr > 9' (10,000 random ones were "
        "tried); loosen it, or the ranges",
    ),
    "missing bound": (
        small("\n    min: 1"),
        "a.yaml:3: parameters.lr.max: is missing; "
        "a mapping is a range, with min and max, or a choice, with values",
    ),
    "min above max": (
        small("{min: 2, max: 1}"),
        "a.yaml:3: parameters.lr.min: min 2 is not below max 1; swap them, or write the value "
        "alone for a constant",
    ),
    "log of zero": (
        small("{min: 0.0, max: 1.0, log: true}"),
        "a.yaml:3: parameters.lr.min: log needs min above 0, but min is 0; raise min or "
        "remove log",
    ),
    "infinite bound": (
        small("{min: .inf, max: 1.0}"),
        "a.yaml:3: parameters.lr.min: min is inf, but must be a finite number",
    ),
    "fractional step": (
        small("{min: 1, max: 4, step: 0.5}"),
        "a.yaml:3: parameters.lr.step: step must be a whole number between integers, not 0.5",
    ),
    "wide step": (
        small("{min: 1, max: 4, step: 9}"),
        "a.yaml:3: parameters.lr.step: step 9 is wider than the range 1 to 4",
    ),
    "log step of one": (
        small("{min: 1, max: 4, log: true, step: 1}"),
        "a.yaml:3: parameters.lr.step: with log, step is a factor and must be above 1, not 1",
    ),
    "no values": (
        small("{values: []}"),
        "a.yaml:3: parameters.lr.values: values is empty; list at least one value",
    ),
    "value listed twice": (
        small("{values: [1, 2, 1.0]}"),
        "a.yaml:3: parameters.lr.values: 1.0 is listed twice",
    ),
    "default outside the range": (
        small("\n    min: 1\n    max: 4\n    default: 5"),
        "a.yaml:6: parameters.lr.default: default 5 is not among 1 to 4",
    ),
    "default not a choice": (
        small("{values: [a, b], default: c}"),
        "a.yaml:3: parameters.lr.default: default 'c' is not among a, b",
    ),
    "when of an unknown parameter": (
        small("{min: 1, max: 4, when: {optimiser: sgd}}"),
        "a.yaml:3: parameters.lr.when.optimiser: there is no parameter 'optimiser'; known: lr",
    ),
    "when of a misspelt parameter": (
        small("{min: 1, max: 4, when: {optimiser: sgd}}", "  optimizer: sgd\n"),
        "a.yaml:3: parameters.lr.when.optimiser: there is no parameter 'optimiser'; "
        'known: lr, optimizer. Did you mean "optimizer"?',
    ),
    "when of an impossible value": (
        small("{min: 1, max: 4, when: {b: 3}}", "  b: {values: [1, 2]}\n"),
        "a.yaml:3: parameters.lr.when.b: b is never 3; it takes 1, 2",
    ),
    "when of another constant": (
        small("{min: 1, max: 4, when: {b: 3}}", "  b: 2\n"),
        "a.yaml:3: parameters.lr.when.b: b is always 2, so this is never used",
    ),
    "when of itself": (
        small("{min: 1, max: 4, when: {lr: 3}}"),
        "a.yaml:3: parameters.lr.when: lr waits for itself in a circle of conditions; break it",
    ),
    "unknown goal": (
        "metric: {name: a, goal: minimise}\nparameters: {c: 1}\n",
        "a.yaml:1: metric.goal: 'minimise' is not one of minimize, maximize. "
        'Did you mean "minimize"?',
    ),
    "missing metric": (
        "parameters: {c: 1}\n",
        "a.yaml:1: metric: is missing; write metric: {name: val_loss, goal: minimize}",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_file_line_key_and_the_right_word(
    write: Write, mistake: str
) -> None:
    text, message = MISTAKES[mistake]
    assert refusal(write("a.yaml", text)) == message


def test_a_circle_of_two_names_both(write: Write) -> None:
    a, b = "{values: [1], when: {b: 1}}", "  b: {values: [1], when: {lr: 1}}\n"
    assert refusal(write("a.yaml", small(a, b))).splitlines() == [
        "a.yaml:3: parameters.lr.when: lr waits for itself in a circle of conditions; break it",
        "a.yaml:4: parameters.b.when: b waits for itself in a circle of conditions; break it",
    ]


def test_toml_and_json_mistakes_have_their_lines_too(write: Write) -> None:
    toml = TOML.replace("max = 0.99", "max = -1.0")
    assert refusal(write("a.toml", toml)).startswith("a.toml:12: parameters.momentum.min: min 0 ")
    json = JSON.replace('"max": 0.99', '"max": -1.0')
    assert refusal(write("a.json", json)).startswith("a.json:6: parameters.momentum.min: min 0 ")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", small(more="metric: b\n"), "a.yaml:4: metric stands twice"),
        ("a.yaml", small(more="  lr: 1\n"), "a.yaml:4: lr stands twice"),
        ("a.json", '{"seed": 1, "seed": 2}', "a.json: seed stands twice"),
        (
            "a.toml",
            "seed = 1\nseed = 2\n",
            "a.toml: Cannot overwrite a value (at line 2, column 9)",
        ),
        ("a.yaml", "a: [1\n", "a.yaml:2: expected ',' or ']', but got '<stream end>'"),
        ("a.toml", "a = \n", "a.toml: Invalid value (at line 1, column 5)"),
        (
            "a.json",
            '{"a": 1,\n "b"}',
            "a.json:2: Expecting ':' delimiter: line 2 column 5 (char 13)",
        ),
        (
            "a.yaml",
            "",
            "a.yaml:1: is empty; a sweep file holds keys such as metric, parameters",
        ),
        (
            "a.json",
            "[1]",
            "a.json:1: holds list; a sweep file holds keys such as metric, parameters",
        ),
        ("a.txt", small(), "a.txt: a sweep file ends in .yaml, .yml, .toml, .json"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(
    write: Write, name: str, text: str, message: str
) -> None:
    assert refusal(write(name, text)) == message


def test_a_missing_file_points_to_init(tmp_path: Path) -> None:
    message = "no.yaml: no such file; `nightsweep init` writes one to start from"
    assert refusal(tmp_path / "no.yaml") == message


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("name: Größe\n".encode("latin-1"))
    assert refusal(path).startswith("a.yaml: cannot be read: 'utf-8' codec can't decode byte 0xf6")


def test_a_folder_is_no_sweep_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    assert refusal(tmp_path / "a.yaml") == "a.yaml: is no file"


def test_json_with_tabs_is_read(write: Write) -> None:
    path = write("a.json", JSON.replace("  ", "\t"))
    assert isinstance(load(path), Sweep)
