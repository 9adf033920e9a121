"""What is written loads as a sweep that says the same."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search.imports.draft import Draft
from nightsweep.search.imports.written import flow, text
from nightsweep.search.sweep import Sweep
from nightsweep.search.sweepfile import read

from .drafts import FILES, drafted, written

NAMES = sorted(path.name for path in FILES.iterdir())
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
        st.text(max_size=8),
        st.sampled_from(
            ["off", "1e-5", "07:00", "null", "a: b", "#x", "- a", "{lr}", "it's", "~"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def reads(line: str, folder: Path) -> Any:
    path = folder / "value.yaml"
    path.write_text(f"value: {line}\n", encoding="utf-8")
    return read(path)[0]["value"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_loads_as_the_sweep_that_was_meant(name: str, tmp_path: Path) -> None:
    draft = drafted(name)
    meant = Sweep(**{"name": "sweep", **draft.values})
    assert written(draft, tmp_path) == meant


@given(value=VALUES)
def test_a_value_is_read_as_it_was_written(
    value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert reads(flow(value), tmp_path_factory.getbasetemp()) == value


@given(value=VALUES)
def test_other_readers_of_yaml_can_read_it_too(value: Any) -> None:
    yaml.safe_load(f"value: {flow(value)}\n")


def test_infinity_is_written_as_yaml_has_it(tmp_path: Path) -> None:
    assert reads(flow([math.inf, -math.inf]), tmp_path) == [math.inf, -math.inf]


@given(note=st.text(max_size=200), file=st.text(max_size=20))
def test_nothing_that_is_said_gets_out_of_its_comment(note: str, file: str) -> None:
    draft = Draft("NNI", values={"metric": "a", "parameters": {"x": 1}})
    draft.note("", note)
    draft.note("parameters.x", note)
    assert yaml.safe_load(text(draft, file)) == draft.values


def test_what_was_changed_stands_beside_it() -> None:
    lines = text(drafted("wandb.yaml"), "sweep.yaml").splitlines()
    assert lines[0] == "# Made by `nightsweep import` from sweep.yaml, of W&B."
    place = lines.index("  dropout: {min: 0.1, max: 0.5, default: 0.3, prior: low}")
    assert lines[place - 1].startswith("  # was normal(0.3, 0.1)")


def test_an_example_of_what_trains_stands_ready_on_a_line_of_its_own() -> None:
    lines = text(drafted("hydra-two.yaml"), "config.yaml").splitlines()
    assert '# command: "python my_app.py x={x} y={y}"' in lines
