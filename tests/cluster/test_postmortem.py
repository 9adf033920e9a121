"""Stacks of real processes; no Ray."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nightsweep.cluster.postmortem import write_stacks

# What a worker does before it trains, then a hang.
LISTENS = """
import ctypes, os, sys, time
from nightsweep.trainables.host import _log, listening
from pathlib import Path

def stuck_in_native_code():
    library, lock = ctypes.PyDLL(None), ctypes.create_string_buffer(128)
    library.pthread_mutex_lock(lock)
    print("ready", file=sys.__stdout__, flush=True)
    library.pthread_mutex_lock(lock)

def waits_for_its_child():
    if os.fork() == 0:
        waits_for_data()
    print("ready", file=sys.__stdout__, flush=True)
    time.sleep(1000)

def waits_for_data():
    time.sleep(1000)

with listening(_log(Path(sys.argv[1]))):
    globals()[sys.argv[2]]()
"""

Hang = Callable[..., int]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "trials").mkdir()
    return tmp_path / "trials" / "5" / "log.txt"


@pytest.fixture
def hang(log: Path) -> Iterator[Hang]:
    """Starts a process that hangs in the way that is named; its pid, once it does."""
    started: list[subprocess.Popen[str]] = []

    def start(how: str, code: str = LISTENS) -> int:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(log), how],
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process.pid

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_process_that_holds_the_interpreter_shows_where_it_stands(hang: Hang, log: Path) -> None:
    pid = hang("stuck_in_native_code")
    write_stacks(pid, log, "no report for 12 min at epoch 7")
    text = log.read_text()
    assert "nightsweep: no report for 12 min at epoch 7; it is ended" in text
    assert f"Process {pid}:" in text
    assert "in stuck_in_native_code" in text


def test_so_do_the_processes_that_it_has_started(hang: Hang, log: Path) -> None:
    write_stacks(hang("waits_for_its_child"), log, "no report")
    here, there = log.read_text().split("which it has started")
    assert "in waits_for_its_child" in here
    assert "in waits_for_data" in there


def test_a_process_that_does_not_listen_is_left_alone(hang: Hang, log: Path) -> None:
    log.parent.mkdir(parents=True)
    pid = hang("", "import time; print('ready', flush=True); time.sleep(1000)")
    write_stacks(pid, log, "no report")
    assert "Process" not in log.read_text()
    assert Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


def test_a_process_that_is_gone_is_no_error(log: Path) -> None:
    log.parent.mkdir(parents=True)
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    write_stacks(done.pid, log, "no report")
