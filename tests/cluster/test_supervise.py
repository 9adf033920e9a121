"""What a supervisor does after its driver's end; and the real thing, killed and signalled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pandas as pd
import psutil
import pytest

import nightsweep
from nightsweep.cluster.supervise import (
    IMPATIENCE,
    LONGEST,
    PATIENCE,
    Again,
    Over,
    Standing,
    after,
    how,
    standing,
)
from nightsweep.search.events import Closed

from .conftest import Evening
from .disturb import SAME, driver, offspring, said, until, until_reports, write

FRESH = Standing()
MIDNIGHT = Standing(begun=True, trained=True, kept=7)
LATER = Standing(begun=True, trained=True, kept=8)
DONE = Standing(begun=True, trained=True, kept=9, done=True)
DEATHS = [-signal.SIGKILL, -signal.SIGSEGV, 1, 3, 69, 70]


@pytest.mark.parametrize("code", [0, 1])
def test_a_sweep_that_is_done_is_over(code: int) -> None:
    assert after(code, told=False, before=MIDNIGHT, now=DONE) == Over(code=code)


@pytest.mark.parametrize("code", DEATHS)
def test_a_driver_that_died_is_started_again(code: int) -> None:
    again = after(code, told=False, before=MIDNIGHT, now=LATER)
    assert again == Again(wait=1.0, deaths=1)


def test_code_1_of_a_sweep_that_is_not_done_is_a_death() -> None:
    """Python has it for a traceback, and Ray for a driver that has lost its cluster."""
    assert isinstance(after(1, told=False, before=MIDNIGHT, now=MIDNIGHT), Again)


@pytest.mark.parametrize("code", [75, 130])
def test_a_driver_that_was_asked_to_stop_is_left_stopped(code: int) -> None:
    assert after(code, told=False, before=MIDNIGHT, now=LATER) == Over(code=code)


def test_a_mistake_of_the_users_is_told_once() -> None:
    assert after(2, told=False, before=FRESH, now=FRESH) == Over(code=2)
    assert after(2, told=False, before=MIDNIGHT, now=MIDNIGHT) == Over(code=2)


def test_an_error_after_hours_of_training_is_tried_again_and_then_told() -> None:
    first = after(2, told=False, before=MIDNIGHT, now=LATER)
    assert first == Again(wait=1.0, deaths=1)
    assert after(2, told=False, before=LATER, now=LATER, deaths=1) == Over(code=2)


@pytest.mark.parametrize("code", DEATHS)
def test_nothing_is_started_again_after_a_signal_to_the_supervisor(code: int) -> None:
    assert after(code, told=True, before=MIDNIGHT, now=LATER) == Over(code=75)


def test_a_signal_before_anything_was_begun_leaves_nothing_to_resume() -> None:
    assert after(-signal.SIGTERM, told=True, before=FRESH, now=FRESH) == Over(code=130)


def test_a_signal_that_comes_as_the_sweep_is_done_changes_nothing() -> None:
    assert after(0, told=True, before=MIDNIGHT, now=DONE) == Over(code=0)


def test_each_wait_is_twice_the_last_up_to_five_minutes() -> None:
    waits = []
    for deaths in range(PATIENCE - 1):
        then = after(-signal.SIGKILL, told=False, before=LATER, now=LATER, deaths=deaths)
        assert isinstance(then, Again)
        waits.append(then.wait)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert max(waits) <= LONGEST


def test_progress_ends_a_row_of_deaths() -> None:
    then = after(-signal.SIGKILL, told=False, before=MIDNIGHT, now=LATER, deaths=PATIENCE - 1)
    assert then == Again(wait=1.0, deaths=1)


@pytest.mark.parametrize(("code", "exit_code"), [(-signal.SIGKILL, 137), (69, 69), (1, 1)])
def test_it_gives_up_after_ten_deaths_without_progress(code: int, exit_code: int) -> None:
    then = after(code, told=False, before=LATER, now=LATER, deaths=PATIENCE - 1)
    assert then == Over(code=exit_code, deaths=PATIENCE)


def test_it_gives_up_sooner_where_nothing_was_ever_trained() -> None:
    then = after(69, told=False, before=FRESH, now=FRESH, deaths=IMPATIENCE - 1)
    assert then == Over(code=69, deaths=IMPATIENCE)


def test_a_death_is_told_in_words() -> None:
    assert how(-9) == "the driver was killed by signal 9 (Killed)"
    assert how(69) == "the driver failed with exit code 69"


def test_a_folder_without_a_run_has_no_standing(tmp_path: Path) -> None:
    assert standing(tmp_path) == FRESH


def test_decisions_and_checkpoints_are_progress(evening: Evening) -> None:
    evening.search(most=2)
    two = standing(evening.folder.path)
    assert two == Standing(begun=True, trained=True, kept=2)
    evening.search(most=1)
    assert standing(evening.folder.path).kept == 3


def test_a_trial_that_only_starts_again_is_no_progress(evening: Evening) -> None:
    evening.search(most=2)
    before = standing(evening.folder.path)
    trial = evening.study.ask()
    assert trial is not None
    evening.study.interrupt(trial.id, "its driver ended")
    assert standing(evening.folder.path) == before


def test_trials_that_fail_are_no_progress(evening: Evening) -> None:
    """Else a function that fails in every trial would be tried until none is left."""
    trial = evening.study.ask()
    assert trial is not None
    evening.study.fail(trial.id, "raised ValueError: no")
    assert standing(evening.folder.path) == Standing(begun=True)


def test_what_is_done_stays_done_until_a_driver_opens_it_again(finished: Evening) -> None:
    assert standing(finished.folder.path).done


def test_a_stop_is_not_the_end(evening: Evening) -> None:
    evening.search(most=2)
    evening.record(Closed(done=False, reason="stopped by SIGTERM", elapsed=3.0))
    assert not standing(evening.folder.path).done


def python(code: str) -> list[str]:
    """A stand-in for the driver."""
    return [sys.executable, "-c", dedent(code)]


def supervisor(folder: Path, start: list[str], resume: list[str]) -> subprocess.Popen[str]:
    """One in a process and a group of its own, which prints what it says."""
    code = f"""
    import pathlib, sys
    from nightsweep.cluster.supervise import Supervisor
    sys.exit(Supervisor(pathlib.Path({str(folder)!r}), {start!r}, {resume!r}, print).run())
    """
    return subprocess.Popen(
        python(code), stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def test_a_command_that_is_refused_is_over_at_once(tmp_path: Path) -> None:
    refused = python("raise SystemExit(2)")
    process = supervisor(tmp_path, refused, refused)
    assert process.communicate(timeout=60)[0] == ""
    assert process.returncode == 2


def test_what_a_dead_driver_has_started_is_ended_before_the_next_starts(evening: Evening) -> None:
    note = evening.folder.path / "pid"
    dies = python(
        f"""
        import os, pathlib, subprocess, sys
        left = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
        pathlib.Path({str(note)!r}).write_text(str(left.pid))
        os.kill(os.getpid(), 9)
        """
    )
    finds = python(
        f"""
        import os, pathlib, sys
        pid = pathlib.Path({str(note)!r}).read_text()
        sys.exit(3 if os.path.exists("/proc/" + pid) else 75)
        """
    )
    process = supervisor(evening.folder.path, dies, finds)
    assert process.communicate(timeout=60)[0] == (
        "the driver was killed by signal 9 (Killed); starting it again in 1 s\n"
    )
    assert process.returncode == 75


def test_a_folder_that_was_only_just_made_when_its_driver_was_killed_is_made_again(
    tmp_path: Path,
) -> None:
    folder, killed = tmp_path / "run", tmp_path / "killed"
    start = python(
        f"""
        import os, pathlib, sys
        pathlib.Path({str(folder)!r}, "trials").mkdir(parents=True)
        if pathlib.Path({str(killed)!r}).exists():
            sys.exit(75)
        pathlib.Path({str(killed)!r}).touch()
        os.kill(os.getpid(), 9)
        """
    )
    process = supervisor(folder, start, [])
    process.communicate(timeout=60)
    assert process.returncode == 75


def test_it_says_why_it_gives_up(tmp_path: Path) -> None:
    fails = python("raise SystemExit(69)")
    process = supervisor(tmp_path, fails, fails)
    lines = process.communicate(timeout=60)[0].splitlines()
    assert process.returncode == 69
    assert len(lines) == IMPATIENCE
    assert lines[-1] == (
        "the driver failed with exit code 69; giving up, since that came 3 times in a row without "
        f"any progress; see what was said above, then nightsweep resume {tmp_path}"
    )


def test_ctrl_c_reaches_the_driver_by_two_ways_and_stops_it_cleanly(tmp_path: Path) -> None:
    up = tmp_path / "up"
    stops = python(
        f"""
        import pathlib, sys, time
        from nightsweep.cluster.stopping import stop_request
        with stop_request() as request:
            pathlib.Path({str(up)!r}).touch()
            while not request.signal:
                time.sleep(0.01)
            time.sleep(0.3)
            sys.exit(75)
        """
    )
    process = supervisor(tmp_path, stops, stops)
    until(up.exists)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to both
    assert process.wait(60) == 75


def test_a_driver_whose_supervisor_is_killed_hears_of_it(tmp_path: Path) -> None:
    """It writes down which signal came."""
    heard = tmp_path / "heard"
    hears = python(
        f"""
        import pathlib, signal, time
        def hear(number, frame):
            pathlib.Path({str(heard)!r}).write_text(signal.Signals(number).name)
            raise SystemExit
        signal.signal(signal.SIGTERM, hear)
        pathlib.Path({str(heard)!r}).write_text("nothing")
        time.sleep(60)
        """
    )
    process = supervisor(tmp_path, hears, hears)
    until(heard.exists)
    process.kill()
    until(lambda: heard.read_text() == "SIGTERM")


def the_driver(process: subprocess.Popen[bytes]) -> psutil.Process:
    """The supervisor's child that is no orphan of an earlier driver."""
    commands = {one: one.cmdline() for one in psutil.Process(process.pid).children()}
    (found,) = [one for one, words in commands.items() if "nightsweep" in words]
    return found


def test_a_run_that_is_not_there_is_refused_once(tmp_path: Path) -> None:
    assert driver(tmp_path, "resume", "nowhere", "--keep-going").wait(60) == 2
    assert said(tmp_path).startswith("nightsweep: nowhere")
    assert said(tmp_path).count("nightsweep:") == 1


@pytest.mark.ray
@pytest.mark.slow
def test_a_driver_killed_twice_is_brought_to_the_undisturbed_result(
    tmp_path: Path, expected: pd.DataFrame
) -> None:
    place = write(tmp_path)
    process = driver(place, "run", "toy.yaml", "--out", "run", "--keep-going")
    killed = []
    for count in (9, 31):
        until_reports(place, count, process)
        one = the_driver(process)
        killed.append((one, one.children(recursive=True)))
        one.kill()
        until(
            lambda: (
                said(place).count("killed by signal 9 (Killed); starting it again") == len(killed)
            )
        )
    assert process.wait(150) == 0
    pd.testing.assert_frame_equal(nightsweep.load(place / "run").trials[SAME], expected)
    assert "toy is done" in said(place)
    alive = [child for _, children in killed for child in children if child.is_running()]
    assert not alive, "what a dead driver left lives on"
    assert not list(Path("/tmp/ray").glob(f"session_*_{killed[0][0].pid}"))


@pytest.mark.ray
def test_sigterm_to_the_supervisor_alone_stops_the_driver_cleanly(tmp_path: Path) -> None:
    place = write(tmp_path)
    process = driver(place, "run", "toy.yaml", "--out", "run", "--keep-going", "--json")
    until_reports(place, 5, process)
    left = offspring(process)
    process.terminate()
    assert process.wait(30) == 75
    assert nightsweep.load(place / "run").ledger.ended_because == "stopped by SIGTERM"
    assert "starting it again" not in said(place)
    assert not psutil.wait_procs(left, timeout=10)[1]
