"""Sweep files wrong in every way: refused in plain words, or read as a sweep that can begin."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search import Study, Sweep
from nightsweep.search.errors import SweepError
from nightsweep.search.samplers import Random as RandomSearch
from nightsweep.search.sweepfile import load

from .damage import WORDS, changed, torn, value

VALID: list[dict[str, Any]] = [
    {
        "name": "digits",
        "train": "train.py:train",
        "metric": {"name": "val_loss", "goal": "minimize"},
        "parameters": {
            "lr": {"min": 1e-5, "max": 1.0, "log": True, "default": 1e-3},
            "batch": {"values": [16, 32, 64], "default": 32, "prior": "high"},
            "layers": {"min": 1, "max": 4},
            "optimizer": {"values": ["sgd", "adam"]},
            "momentum": {"min": 0.0, "max": 0.99, "step": 0.11, "when": {"optimizer": "sgd"}},
            "activation": "relu",
        },
        "constraints": ["layers * batch <= 128", 'optimizer != "sgd" or lr <= 0.5'],
        "max_epochs": 27,
        "trials": 60,
        "sampler": {"name": "random"},
        "scheduler": {"name": "asha", "eta": 3, "grace": 1, "mode": "standard"},
        "resources": {"cpus": 1, "gpus": 0},
        "time": "1h30m",
        "seed": 0,
    },
    {
        "metric": [{"name": "accuracy", "goal": "maximize"}, {"name": "memory", "max": 400}],
        "parameters": {"width": {"min": 16, "max": 256, "log": True, "step": 2}, "depth": 3},
        "scheduler": "hyperband",
        "sampler": {"name": "gp", "startup": 10},
        "slots": 4,
        "replicates": 2,
    },
    {
        "metric": "loss",
        "parameters": {"x": {"min": 0, "max": 9}, "y": {"values": [True, None, "a", 1.5]}},
        "scheduler": {"name": "median", "grace": 2, "every": 3, "min_trials": 4},
        "sampler": "grid",
        "max_epochs": 9,
        "timeout": "10m",
        "retries": 1,
    },
]
KEYS = (
    *WORDS, *Sweep.model_fields, "metric", "from", "goal", "min", "max", "log", "step", "default",
    "prior", "when", "values", "eta", "grace", "every", "cpus", "gpus", "maximize", "tpe", "gp",
    "cmaes", "qmc", "grid", "nsga2", "asha", "hyperband", "median", "none", "loss", "lr", "9h",
    "1e-5", "07:00", "x > 1", "x ** 9 ** 9 > 1", "<<", "__class__", "\ud800",
)  # fmt: skip
CHANCES = st.randoms(use_true_random=True)
SUFFIXES = st.sampled_from([".yaml", ".toml", ".json"])
LINE_ENDS = (b"\n", b"\r", b"\xc2\x85", b"\xe2\x80")  # \x85, and line and paragraph separators


def text(values: Any, suffix: str) -> bytes:
    """Values as a file of this kind has them."""
    match suffix:
        case ".json":
            return json.dumps(values, indent=1).encode()
        case ".toml":
            items = values.items() if isinstance(values, dict) else [("metric", values)]
            lines = [f"{json.dumps(str(key))} = {toml(inner)}\n" for key, inner in items]
            return "".join(lines).encode()
    return yaml.safe_dump(values, sort_keys=False).encode()


def toml(values: Any) -> str:
    """A value as TOML has it; None, which it lacks, as an empty text."""
    match values:
        case None:
            return '""'
        case dict():
            return f"{{{', '.join(f'{json.dumps(k)} = {toml(v)}' for k, v in values.items())}}}"
        case list():
            return f"[{', '.join(map(toml, values))}]"
        case float():
            return str(values)
    return json.dumps(values)


def outcome(folder: Path, suffix: str, content: bytes) -> Sweep | None:
    """The sweep in a file; None where it was refused as it should be."""
    path = folder / f"sweep{suffix}"
    path.write_bytes(content)
    try:
        return load(path)
    except SweepError as error:
        problems = error.problems
    finally:
        assert path.read_bytes() == content
        path.unlink()
        assert list(folder.iterdir()) == []
    last = 1 + sum(map(content.count, LINE_ENDS))
    assert problems
    for problem in problems:
        assert problem.message.strip()
        assert len(problem.message) < 2000
        assert "Error(" not in problem.message, "not in plain words"
        assert problem.line is None or 1 <= problem.line <= last
    return None


def begins(sweep: Sweep) -> None:
    """What was accepted can be written down, read again, and begun."""
    values = sweep.model_dump(mode="json")
    written = json.dumps(values, allow_nan=False, ensure_ascii=False).encode()
    assert Sweep(**json.loads(written)) == sweep
    if sweep.sampler.name not in ("random", "grid"):  # they learn: too slow to ask thousands
        sweep = sweep.model_copy(update={"sampler": RandomSearch()})
    study, space = Study(sweep), sweep.space
    assert study.expected_epochs >= 0
    trial = study.ask()
    assert trial is not None
    assert space.allows(trial.config)
    for name in trial.config.keys() & space.parameters:
        assert space.parameters[name].contains(trial.config[name])
    study.report(trial.id, trial.until, {metric.name: 0.5 for metric in sweep.outcomes})
    assert study.ladder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweeps")


@given(chance=CHANCES, suffix=SUFFIXES)
def test_a_sweep_with_a_few_wrong_values_is_refused_or_can_begin(
    folder: Path, chance: Random, suffix: str
) -> None:
    values = copy.deepcopy(chance.choice(VALID))
    for _ in range(chance.randint(1, 3)):
        changed(chance, values, KEYS)
    found = outcome(folder, suffix, text(values, suffix))
    if found is not None:
        begins(found)


@given(chance=CHANCES)
def test_parameters_with_any_numbers_are_refused_or_can_begin(
    folder: Path, chance: Random
) -> None:
    keys = ("min", "max", "step", "default", "log", "prior", "when", "values")
    parameters = {
        name: {key: value(chance, KEYS) for key in chance.sample(keys, chance.randint(2, 5))}
        for name in ("x", "y")
    }
    low, high = sorted(chance.choices([-1e300, -3, 0, 1e-320, 0.1, 1, 2.5, 100, 1e300], k=2))
    parameters["z"] = {"min": low, "max": high, "step": chance.choice([1e-300, 0.1, 1, 2, 1e9])}
    parameters["z"]["log"] = chance.random() < 0.5
    for dropped in chance.sample(["x", "y"], chance.randrange(3)):
        del parameters[dropped]
    found = outcome(folder, ".json", text({"metric": "a", "parameters": parameters}, ".json"))
    if found is not None:
        begins(found)


@given(chance=CHANCES, suffix=SUFFIXES)
def test_any_values_at_all_are_refused(folder: Path, chance: Random, suffix: str) -> None:
    assert outcome(folder, suffix, text(value(chance, KEYS), suffix)) is None


@given(chance=CHANCES, suffix=SUFFIXES)
def test_a_torn_sweep_file_is_refused_or_can_begin(
    folder: Path, chance: Random, suffix: str
) -> None:
    found = outcome(folder, suffix, torn(chance, text(chance.choice(VALID), suffix)))
    if found is not None:
        begins(found)


MARKS = "{}[]:,&*!|>-#'\"%@` \t\n\\=?.0eé\x00\x85"


@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(str.encode),
        st.text(MARKS, max_size=60).map(str.encode),
    ),
    suffix=SUFFIXES,
)
def test_a_file_of_anything_is_refused(folder: Path, content: bytes, suffix: str) -> None:
    assert outcome(folder, suffix, content) is None


def laughs(levels: int) -> str:
    """Aliases of aliases: ten values more a line, each with ten times as many."""
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    return "\n".join(lines)


BEGIN = "metric: loss\nparameters: {x: {min: 1, max: 9}}\n"
TRAPS = {
    "aliases of aliases": (laughs(10), "unfold to more than 250,000 values"),
    "a list in itself": ("&a [*a]", "nested too deep, or holds itself"),
    "a mapping in itself": ("a: &a {<<: *a}", "nested too deep, or holds itself"),
    "50 000 brackets": ("[" * 50_000, "nested too deep"),
    "an object of Python": ("!!python/object/apply:os.abort []", "means nothing here"),
    "a set": (BEGIN + "constraints: !!set {a, b}", "means nothing here"),
    "no whole number": (BEGIN + "trials: !!int many", "'many' is no int"),
    "a number of 5 000 digits": (BEGIN + f"trials: 0x{'f' * 5000}", "a number of 6,021 digits"),
    "a key of keys": (BEGIN + "? [a, b]\n: 1", "a key is one word"),
    "a key twice": (BEGIN + "metric: other", "metric stands twice"),
    "two documents": (f"{BEGIN}---\n{BEGIN}", "but found another document"),
    "a NUL": ("\0", "unacceptable character"),
    "a binary file": ("\x7fELF" + "\0" * 600_000, "hardly a sweep file"),
    "a number beyond 64 bits": (BEGIN + "seed: 9223372036854775808", "beyond integers of 64 bits"),
    "half a character": (BEGIN + 'train: "\\ud800"', "is no text that can be written"),
    "many epochs": (BEGIN + "max_epochs: 1000000000000", "must be at most 1,000,000"),
    "many decisions": (BEGIN + "scheduler: median\nmax_epochs: 500000", "write every: 50"),
    "many years": (BEGIN + "time: 99999999d", "must be at most"),
    "too wide": ("metric: a\nparameters: {x: {min: -1.7e308, max: 1.7e308}}", "is wider than"),
    "tiny steps": (
        "metric: a\nparameters: {x: {min: 0.0, max: 1.0, step: 1.0e-300}}",
        "makes more than",
    ),
    "20 000 choices, one twice": (
        f"metric: a\nparameters: {{x: {{values: {[*range(20_000), 7]}}}}}",
        "7 is listed twice",
    ),
}


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.timeout(30)
def test_a_trap_is_told_by_its_name(folder: Path, trap: str) -> None:
    content, message = TRAPS[trap]
    path = folder / "sweep.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SweepError) as caught:
        load(path)
    path.unlink()
    assert message in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_a_byte_order_mark_is_no_mistake(folder: Path) -> None:
    path = folder / "sweep.json"
    path.write_text(json.dumps(VALID[0]), encoding="utf-8-sig")
    assert load(path).name == "digits"
    path.unlink()
