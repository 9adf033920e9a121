from __future__ import annotations

from pathlib import Path

import pytest

from nightsweep.cluster.alike import FEW, MORE, Alike
from nightsweep.search.errors import AlikeError

TRACEBACK = 'File "train.py", line 7, in train\nNameError: name {} is not defined'


def fail(alike: Alike, times: int, name: str = "nn", line: int = 7) -> None:
    for number in range(times):
        where = TRACEBACK.format(repr(name)).replace("line 7", f"line {line}")
        alike.failed(f"raised NameError: name {name!r} is not defined ({number})", where)


def test_a_few_failures_alike_stop_the_search_and_show_the_traceback() -> None:
    alike = Alike(Path("runs/a"), trained=False)
    fail(alike, FEW - 1)
    with pytest.raises(AlikeError) as caught:
        fail(alike, 1)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{FEW} trials failed alike before any had trained an epoch")
    assert lines[1] == 'File "train.py", line 7, in train'
    assert lines[-1] == "Mend it, then nightsweep resume runs/a: they are tried again."


def test_failures_that_differ_stop_nothing() -> None:
    alike = Alike(Path("run"), trained=False)
    for line in range(3 * FEW):
        fail(alike, 1, line=line)


def test_once_an_epoch_is_trained_failures_are_the_trials_own() -> None:
    alike = Alike(Path("run"), trained=False)
    fail(alike, FEW - 1)
    alike.trained()
    fail(alike, 100)


def test_a_run_that_has_trained_before_is_given_more_tries() -> None:
    alike = Alike(Path("run"), trained=True)
    fail(alike, MORE - 1)
    with pytest.raises(AlikeError):
        fail(alike, 1)
