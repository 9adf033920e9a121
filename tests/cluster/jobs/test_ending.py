"""What the exit code in a run folder says of a job."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightsweep.cluster.jobs.ending import ended, ending, exit_file
from nightsweep.cluster.jobs.site import State


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (0, State.DONE),
        (2, State.FAILED),
        (69, State.FAILED),
        (75, State.STOPPED),
        (130, State.STOPPED),
        (137, State.FAILED),
        (1, State.FAILED),
    ],
)
def test_a_code_is_a_state(code: int, state: State) -> None:
    assert ending(code).state is state


def test_code_1_of_a_sweep_that_is_done_is_no_failure() -> None:
    """Python ends with it after a traceback, and `nightsweep run` where nothing was found."""
    assert ending(1, done=True).state is State.DONE


def test_the_code_is_read_from_the_run_folder(tmp_path: Path) -> None:
    exit_file(tmp_path).parent.mkdir()
    exit_file(tmp_path).write_text("75\n")
    assert ended(tmp_path).state is State.STOPPED


@pytest.mark.parametrize("text", [None, "", "seven"])
def test_a_job_without_a_code_is_gone(tmp_path: Path, text: str | None) -> None:
    exit_file(tmp_path).parent.mkdir()
    if text is not None:
        exit_file(tmp_path).write_text(text)
    assert ended(tmp_path).state is State.GONE
