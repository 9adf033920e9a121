from __future__ import annotations

import os
import subprocess
import sys
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
from nightsweep.search.lock import Holder, Lock, holder

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


def test_what_a_holder_of_the_lock_has_left_is_found_by_when_it_began(
    temporary: Path, tmp_path: Path
) -> None:
    lock = Lock(tmp_path / "driver.lock")
    held = holder(lock.path)
    lock.release()
    assert held is not None
    pid, now = os.getpid(), f"{datetime.now():%Y-%m-%d_%H-%M-%S_%f}"
    scratch = temporary / f"nightsweep-{pid}-abc"
    its = temporary / "ray" / f"session_{now}_{pid}"
    older = temporary / "ray" / f"session_2026-02-01_22-00-05_000123_{pid}"
    for folder in (scratch, its, older):
        folder.mkdir(parents=True)
    clear_behind(Holder(host="elsewhere", pid=pid, born=held.born))
    clear_behind(None)
    assert scratch.exists()
    clear_behind(held)
    assert [folder.exists() for folder in (scratch, its, older)] == [False, False, True]
