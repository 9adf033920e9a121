"""What the doctor says of a machine, decided on machines that are made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.cgroup import Limits
from nightsweep.cluster.cpus import Cpus
from nightsweep.cluster.doctor.finding import Finding, Level
from nightsweep.cluster.doctor.host import findings
from nightsweep.cluster.doctor.machine import Clock, Most

from .machines import BIG, GB, machine


def bad(**changes: Any) -> Finding:
    """The one thing that is wrong with such a machine."""
    (found,) = (one for one in findings(machine(**changes)) if one.level is not Level.FINE)
    return found


def said(topic: str, **changes: Any) -> str:
    return next(one.said for one in findings(machine(**changes)) if one.topic == topic)


def test_a_good_workstation_is_fine_in_everything() -> None:
    assert {(one.topic, one.said) for one in findings(machine())} == {
        ("CPUs", "16 CPUs"),
        ("memory", "128 GB, 100 GB free"),
        ("run folder", "900 GB of 2 TB free for /data/runs"),
        ("Ray's files", "900 GB of 2 TB free for /tmp"),
        ("/dev/shm", "64 GB free"),
        ("open files", "1,048,576 (ulimit -Hn)"),
        ("processes", "any number, with threads"),
        ("clock", "2026-03-01 22:00:00 (UTC+0100), zone Europe/Berlin"),
    }
    assert {one.level for one in findings(machine())} == {Level.FINE}


def test_a_process_that_is_bound_to_few_cpus_is_limited() -> None:
    found = bad(cpus=Cpus(there=16, bound=4))
    assert found.level is Level.LIMITS
    assert found.said == (
        "4 of the machine's 16 CPUs: this process is bound to 4 (taskset, Slurm, or the "
        "container's cpuset)"
    )


def test_a_container_with_a_part_of_the_time_is_limited() -> None:
    assert bad(cpus=Cpus(there=16, bound=16, quota=2.5)).said == (
        "2 of the machine's 16 CPUs: its control group (a container, a service) gives the time "
        "of 2.5"
    )


def test_memory_that_is_nearly_used_up_fits_few_workers() -> None:
    found = bad(available=GB)
    assert found.level is Level.LIMITS
    assert found.said == (
        "128 GB, 1 GB free: Ray takes 400 MB, each worker with torch 300 MB and more with its "
        "model, so about 2 fit"
    )


def test_memory_for_not_even_one_worker_stops_a_sweep() -> None:
    found = bad(available=GB // 2)
    assert (found.level, found.said[-12:]) == (Level.STOPS, "not one fits")


def test_the_memory_of_a_container_counts_where_it_has_less_than_the_machine() -> None:
    group = Limits(memory=8 * GB, free=6 * GB)
    assert said("memory", group=group) == (
        "8 GB (of the machine's 128 GB; the control group's limit), 6 GB free"
    )


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({"free": 3 * GB}, Level.LIMITS, "3 GB of 2 TB free for /data/runs"),
        ({"free": GB // 20}, Level.STOPS, "50 MB of 2 TB free for /data/runs"),
        ({"files": 400}, Level.LIMITS, "it takes only 400 more files"),
        ({"files": 0}, Level.STOPS, "it takes no more files"),
        (
            {"wrong": "Read-only file system"},
            Level.STOPS,
            "nothing can be written to /data/runs: Read-only file system",
        ),
    ],
)
def test_a_run_folder_needs_room(changes: dict[str, Any], level: Level, words: str) -> None:
    found = bad(runs=replace(BIG, **changes))
    assert (found.topic, found.level) == ("run folder", level)
    assert words in found.said
    assert found.advice == "make room, or name another place: --out FOLDER"


def test_a_disk_that_does_not_count_files_takes_any_number() -> None:
    assert said("run folder", runs=replace(BIG, files=None)).startswith("900 GB")


def test_ray_does_not_write_to_a_disk_that_is_nearly_full() -> None:
    found = bad(temporary=replace(BIG, path=Path("/tmp"), free=90 * GB))
    assert (found.topic, found.level) == ("Ray's files", Level.LIMITS)
    assert "Ray stops writing objects to a disk that is 95% full" in found.said
    assert "RAY_TMPDIR" in found.advice


def test_a_long_path_of_temporary_files_stops_ray() -> None:
    found = bad(temporary=replace(BIG, path=Path("/scratch") / ("x" * 60)))
    assert (found.level, found.advice) == (
        Level.STOPS,
        "set RAY_TMPDIR to a short path, /tmp say",
    )


def test_dockers_64_megabytes_of_shared_memory_are_too_few() -> None:
    found = bad(shared=replace(BIG, free=64 * 10**6))
    assert found.said == (
        "64 MB free: Ray's objects go to the disk, and loaders with workers may end with a bus "
        "error"
    )
    assert "--shm-size" in found.advice


def test_shared_memory_that_ray_just_fits_in_is_short_for_loaders() -> None:
    assert bad(shared=replace(BIG, free=GB // 2)).said == (
        "500 MB free: loaders with workers may end with a bus error"
    )


def test_a_system_without_shared_memory_is_limited() -> None:
    assert bad(shared=None).level is Level.LIMITS


def test_a_low_hard_limit_of_open_files_is_told_in_workers() -> None:
    found = bad(files=Most(soft=1024, hard=1024))
    assert (found.level, found.said) == (
        Level.LIMITS,
        "at most 1,024 (ulimit -Hn): enough for about 231 workers",
    )


def test_a_low_soft_limit_does_no_harm_since_ray_raises_it() -> None:
    assert said("open files", files=Most(soft=256, hard=65536)) == "65,536 (ulimit -Hn)"


def test_few_processes_are_told_in_workers_with_where_the_limit_is() -> None:
    assert bad(tasks=Most(soft=4096, hard=4096)).said == (
        "at most 4,096, with threads (ulimit -u): enough for about 97 workers"
    )
    found = bad(tasks=Most(soft=4096, hard=4096), group=Limits(tasks=1024))
    assert found.said == (
        "at most 1,024, with threads (the control group's pids.max): enough for about 20 workers"
    )
    assert "--pids-limit" in found.advice
    assert bad(group=Limits(tasks=100)).level is Level.STOPS


def clock(**changes: Any) -> Finding:
    return bad(clock=replace(machine().clock, **changes))


def test_a_file_system_with_another_time_is_told() -> None:
    assert "the run folder's file system is 40 s ahead of it" in clock(ahead=40.0).said
    assert "the run folder's file system is 40 s behind it" in clock(ahead=-40.0).said


def test_a_grain_of_time_is_no_difference() -> None:
    assert said("clock", clock=replace(machine().clock, ahead=1.5)).endswith("zone Europe/Berlin")


def test_a_zone_that_does_not_exist_is_utc_in_secret() -> None:
    assert clock(zone="Europe/Berln").said.endswith(
        "zone Europe/Berln: there is no zone of that name, so the system takes UTC"
    )


def test_a_system_without_zones_can_name_none() -> None:
    assert clock(named=False).advice == "pip install tzdata"


def test_a_clock_that_cannot_be_compared_is_fine() -> None:
    unknown = Clock(zone="", shown="2026-03-01 22:00:00 (UTC+0000)", ahead=None)
    assert said("clock", clock=unknown).endswith("zone unnamed")
