"""Sweeps of other tools wrong in every way: refused in plain words, or written as a sweep file."""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.cluster.importing import drafted
from nightsweep.search.errors import SweepError
from nightsweep.search.imports.literals import calls, mappings
from nightsweep.search.imports.written import text
from nightsweep.search.sweepfile import load, read

from .damage import WORDS, changed, torn

FILES = Path(__file__).parents[1] / "search" / "imports" / "files"
SOURCES = sorted(FILES.glob("*.y*ml")) + sorted(FILES.glob("*.json"))
PROGRAM = FILES / "syne_tune.py"
KEYS = (
    *WORDS, "parameters", "min", "max", "values", "value", "distribution", "q", "mu", "_type",
    "_value", "_name", "type", "minval", "maxval", "vals", "count", "choice", "log", "int",
    "normal", "lognormal", "list", "step", "name", "1e400", "1e-5", "-1", "${args}", "{lr}",
    "range(1, 3)", "interval(1, 2)", "tag(log, interval(0, 1))", "choice(", "'", "a && b", "grid",
    "\ud800", "domain_kwargs", "lower", "upper", "size", "hyperband", "7", "true",
)  # fmt: skip
CHANCES = st.randoms(use_true_random=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("imports")
    space = FILES / "nni-search-space.json"
    (made / space.name).write_bytes(space.read_bytes())
    return made


def imported(folder: Path, name: str, content: bytes) -> None:
    """What is in a file is refused as it should be, or becomes a file that says the same."""
    path = folder / name
    path.write_bytes(content)
    try:
        made = drafted(path)
    except SweepError as error:
        for problem in error.problems:
            assert problem.message.strip()
            assert len(problem.message) < 2000
            assert "Error(" not in problem.message, "not in plain words"
        return
    written = folder / "written.yaml"
    written.write_text(text(made, name), encoding="utf-8")
    found = load(written)
    assert read(written)[0]["parameters"] == made.values["parameters"]
    assert found.name == made.values["name"]


@given(chance=CHANCES)
def test_a_sweep_with_a_few_wrong_values_is_refused_or_imported(
    folder: Path, chance: Random
) -> None:
    values: Any = copy.deepcopy(read(chance.choice(SOURCES))[0])
    for _ in range(chance.randint(1, 3)):
        changed(chance, values, KEYS)
    imported(folder, "given.json", json.dumps(values).encode())


@given(chance=CHANCES)
def test_a_torn_sweep_is_refused_or_imported(folder: Path, chance: Random) -> None:
    source = chance.choice(SOURCES)
    imported(folder, f"given{source.suffix}", torn(chance, source.read_bytes()))


@given(chance=CHANCES)
def test_a_torn_program_is_refused_or_imported(folder: Path, chance: Random) -> None:
    imported(folder, "given.py", torn(chance, PROGRAM.read_bytes()))


@given(content=st.text("(){}[]=,.:+-*/'\"\n 0123456789abcx", max_size=80))
def test_any_text_at_all_is_read_as_python_or_refused(content: str) -> None:
    with contextlib.suppress(SweepError):
        list(calls(content))
        mappings(content)
