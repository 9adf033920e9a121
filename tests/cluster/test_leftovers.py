from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from nightsweep.cluster.leftovers import (
    Offspring,
    children,
    clear_behind,
    clear_files,
    descendants,
)
from nightsweep.cluster.provenance import host
from nightsweep.search.events import Opened

SLEEPS = "import time; time.sleep(60)"
FAMILY = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SLEEPS!r}])
print(child.pid, flush=True)
child.wait()
"""
GONE = 4_000_000  # a pid that no process has: above the kernel's largest here


@pytest.fixture
def family() -> tuple[subprocess.Popen[bytes], int]:
    """A child of ours, and the pid of its own child."""
    parent = subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def test_children_and_theirs_are_found_and_ended(
    family: tuple[subprocess.Popen[bytes], int],
) -> None:
    parent, grandchild = family
    assert parent.pid in children([os.getpid()])
    assert grandchild in children([parent.pid])
    assert {parent.pid, grandchild} <= descendants(os.getpid())
    Offspring([parent.pid, grandchild]).end()
    assert parent.wait(10) == -9
    assert grandchild not in descendants(os.getpid())


def test_a_process_that_has_gone_meanwhile_is_no_matter() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    held = Offspring([child.pid, GONE])
    child.wait()
    held.end()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    return tmp_path


def test_the_files_of_a_dead_driver_are_removed_and_nobody_elses(temporary: Path) -> None:
    folders = {
        "its scratch": "nightsweep-77-abc",
        "its Ray": "ray/session_2026-03-01_22-00-05_000123_77",
        "an older process of the same pid": "ray/session_2026-02-01_22-00-05_000123_77",
        "another driver's scratch": "nightsweep-770-abc",
        "another driver's Ray": "ray/session_2026-03-01_22-00-05_000123_177",
        "no session": "ray/session_latest_77",
    }
    for name in folders.values():
        (temporary / name).mkdir(parents=True)
    clear_files(77, datetime(2026, 3, 1, 22))
    left = [words for words, name in folders.items() if (temporary / name).exists()]
    assert left == list(folders)[2:]


def test_the_next_driver_removes_the_files_of_the_one_before(temporary: Path) -> None:
    folders = ["nightsweep-4000000-abc", "ray/session_2026-03-01_22-00-05_000123_4000000"]
    for name in folders:
        (temporary / name).mkdir(parents=True)
    began = datetime(2026, 3, 1, 22).timestamp()
    before = Opened(format=2, version="0.2.0", host=host(), pid=GONE)
    clear_behind(None, began)
    clear_behind(replace(before, host="elsewhere"), began)
    assert [(temporary / name).exists() for name in folders] == [True, True]
    clear_behind(before, began)
    assert [(temporary / name).exists() for name in folders] == [False, False]


def test_a_driver_that_nobody_has_waited_for_is_dead_all_the_same(temporary: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays in the list
    its = temporary / f"nightsweep-{child.pid}-abc"
    its.mkdir()
    clear_behind(Opened(format=2, version="0.2.0", host=host(), pid=child.pid), 0.0)
    assert not its.exists()
    child.wait()


def test_files_that_may_be_a_living_process_s_are_left(temporary: Path) -> None:
    its = temporary / f"nightsweep-{os.getpid()}-abc"
    its.mkdir()
    clear_behind(Opened(format=2, version="0.2.0", host=host(), pid=os.getpid()), 0.0)
    assert its.exists()
