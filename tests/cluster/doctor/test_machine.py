"""The readings themselves: on this machine, and on files as the kernel writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nightsweep.cluster.doctor.machine import ahead, disk, memory, read, zone


def test_this_machine_can_be_read(tmp_path: Path) -> None:
    found = read(tmp_path / "runs", tmp_path)
    assert 0 < found.available <= found.memory
    assert 0 < found.runs.free <= found.runs.total
    assert (found.runs.wrong, found.temporary.wrong) == ("", "")
    assert found.clock.ahead == pytest.approx(0.0, abs=5.0)


def test_reading_leaves_nothing_behind(tmp_path: Path) -> None:
    read(tmp_path / "runs", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_memory_is_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:  2048 kB\nMemAvailable:  1024 kB\nX: 7\n")
    assert memory(tmp_path) == (2048 * 1024, 1024 * 1024)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert disk(tmp_path / "runs").wrong == "Permission denied"


def test_a_system_folder_takes_no_files() -> None:
    assert disk(Path("/proc/runs")).wrong != ""


def test_a_file_system_that_is_ahead_or_behind_is_seen(tmp_path: Path) -> None:
    now = tmp_path.stat().st_mtime
    assert ahead(tmp_path, lambda: now - 60) == pytest.approx(60, abs=10)
    assert ahead(tmp_path, lambda: now + 60) == pytest.approx(-60, abs=10)
    assert ahead(tmp_path / "not there") is None


def test_the_zone_has_the_name_that_the_system_gives_it(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert zone(tmp_path, "") == "Europe/Berlin"
    assert zone(tmp_path, ":Asia/Tokyo") == "Asia/Tokyo"
    assert zone(tmp_path / "elsewhere", "") == ""
