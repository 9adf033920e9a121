"""`--trainable`, `--data`, `--target` and `--set`, as changes to a sweep's values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.settings import asked, from_here, without_file
from nightsweep.search.errors import NightsweepError


def changes(written: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    given = {"name": None, "data": (), "target": None, "settings": ()} | options
    return asked(written or {}, **given)


def test_without_options_nothing_changes() -> None:
    assert changes({"trainable": "tabular"}) == {}


def test_a_sweep_needs_no_file() -> None:
    found = changes(name="tabular", data=["prices/my table.csv"], target="price")
    assert without_file(found) == {
        "name": "my-table",
        "data": ["prices/my table.csv"],
        "trainable": {"name": "tabular", "target": "price"},
    }
    assert without_file(changes(name="tabular", data=["sklearn:digits"]))["name"] == "digits"


def test_options_change_what_a_file_says_and_leave_the_rest() -> None:
    written = {"trainable": {"name": "tabular", "target": "a", "val": 0.1}, "data": "x.csv"}
    assert changes(written, target="b", settings=["cv=5"]) == {
        "trainable": {"name": "tabular", "target": "b", "val": 0.1, "cv": 5}
    }
    assert changes(written, data=["y.csv"]) == {"data": ["y.csv"]}
    assert changes({"command": "make"}, settings=["grace=5"]) == {
        "trainable": {"name": "command", "run": "make", "grace": 5}
    }


def test_a_value_is_read_as_in_a_sweep_file() -> None:
    found = changes(name="tabular", settings=["target=no", "val=1e-1", "ignore=[on, 2026-01-01]"])
    settings = {"target": "no", "val": 0.1, "ignore": ["on", "2026-01-01"]}
    assert found["trainable"] == {"name": "tabular"} | settings


def test_paths_count_from_here_also_where_the_file_lies_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/x")
    given = ["my.csv", "sklearn:digits", "/a/b.csv", "~/c.csv"]
    here = [str(tmp_path / "my.csv"), "sklearn:digits", "/a/b.csv", "/home/x/c.csv"]
    assert from_here(given) == here


def test_another_trainable_takes_none_of_the_settings_of_the_one_before() -> None:
    written = {"trainable": {"name": "text", "text": "words"}}
    assert changes(written, name="tabular") == {"trainable": {"name": "tabular"}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "price"}, "--target is for a trainable, and there is none; name one"),
        ({"settings": ["cv=5"]}, "--set is for a trainable, and there is none; name one"),
        ({"name": "tabular", "settings": ["cv"]}, "'cv' sets nothing; write KEY=VALUE: cv=5"),
        ({"name": "tabular", "settings": ["a=b: c: d"]}, "the value is no YAML"),
    ],
)
def test_mistakes_are_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(NightsweepError, match=message):
        changes(**options)


def test_nothing_to_run_is_said() -> None:
    with pytest.raises(NightsweepError, match="there is nothing to run; name a sweep file"):
        without_file({"trials": 3})
