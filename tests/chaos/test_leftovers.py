"""What counts as left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .leftovers import files, processes


def test_processes_are_found_by_a_mark_in_their_environment() -> None:
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
    child = subprocess.Popen(words, env={**os.environ, "SOAK_TEST": "one"})
    try:
        assert [one.pid for one in processes("SOAK_TEST", "one")] == [child.pid]
        assert not list(processes("SOAK_TEST", "two"))
    finally:
        child.kill()
        child.wait()


def test_temporary_files_and_halves_of_checkpoints_are_left_behind(tmp_path: Path) -> None:
    temporary, run = tmp_path / "t", tmp_path / "run"
    for folder in (
        temporary / "ray" / "session_1_77",
        temporary / "ray" / "session_latest",
        temporary / "nightsweep-77-abc",
        temporary / "torchinductor_me",
        run / "trials" / "1" / ".writing-77",
        run / "trials" / "1" / "epoch-3",
    ):
        folder.mkdir(parents=True)
    assert [Path(path).name for path in files(temporary, run)] == [
        ".writing-77",
        "nightsweep-77-abc",
        "session_1_77",
    ]
