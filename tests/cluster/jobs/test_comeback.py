"""Which jobs come back by themselves, and which do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nightsweep.cluster.jobs.comeback import (
    Past,
    Verdict,
    main,
    past_file,
    stop_file,
    verdict,
)
from nightsweep.cluster.supervise import IMPATIENCE, PATIENCE, Standing

from ..conftest import Evening

FRESH = Standing()
TRAINED = Standing(begun=True, trained=True, kept=5)
DONE = Standing(begun=True, trained=True, kept=9, done=True)


def decide(
    code: int, now: Standing, *, kept: int = 0, deaths: int = 0, stopped: bool = False
) -> Verdict:
    return verdict(code, stopped=stopped, now=now, past=Past(kept=kept, deaths=deaths))


@pytest.mark.parametrize("code", [75, 130, 69, 1, 137])
def test_what_got_further_comes_back(code: int) -> None:
    found = decide(code, TRAINED, kept=4, deaths=7)
    assert (found.back, found.past) == (True, Past(kept=5, deaths=1))


@pytest.mark.parametrize(("code", "now"), [(0, DONE), (1, DONE), (2, FRESH)])
def test_what_is_done_or_refused_does_not(code: int, now: Standing) -> None:
    found = decide(code, now)
    assert (found.back, found.why) == (False, "")


def test_what_was_stopped_by_hand_does_not() -> None:
    assert decide(75, TRAINED, stopped=True) == Verdict(
        back=False, why="it was stopped by hand", past=Past()
    )


@pytest.mark.parametrize("code", [75, 69])
@pytest.mark.parametrize(("now", "patience"), [(FRESH, IMPATIENCE), (TRAINED, PATIENCE)])
def test_what_gets_nowhere_again_and_again_is_given_up(
    code: int, now: Standing, patience: int
) -> None:
    assert decide(code, now, kept=now.kept, deaths=patience - 2).back
    found = decide(code, now, kept=now.kept, deaths=patience - 1)
    assert not found.back
    assert f"{patience} times in a row without any progress" in found.why


def test_a_script_is_told_by_the_exit_code_and_the_count_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stop_file(tmp_path).parent.mkdir()
    assert [main(tmp_path, 75) for _ in range(IMPATIENCE)] == [0] * (IMPATIENCE - 1) + [1]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "nightsweep: it goes on where it was, as soon as there is room for it again"
    assert said[-1].startswith("nightsweep: it does not come back by itself: it has ended 3 times")
    past_file(tmp_path).unlink()
    assert main(tmp_path, 75) == 0
    stop_file(tmp_path).touch()
    assert main(tmp_path, 75) == 1


def test_a_driver_that_nightsweep_stop_has_ended_stays_stopped(evening: Evening) -> None:
    evening.search(most=2)
    evening.folder.job.mkdir()
    evening.close(done=False, reason="stopped by SIGTERM")
    assert main(evening.folder.path, 75) == 0
    again = Evening(evening.folder.path.parent / "other")
    again.folder.job.mkdir()
    again.search(most=2)
    again.close(done=False, reason="stopped by hand")
    assert main(again.folder.path, 75) == 1


def test_it_runs_as_scripts_call_it(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    words = ["-P", "-m", "nightsweep.cluster.jobs.comeback", str(tmp_path), "2"]
    done = subprocess.run([sys.executable, *words], capture_output=True, env=dict(os.environ))
    assert (done.returncode, done.stderr) == (1, b"")
