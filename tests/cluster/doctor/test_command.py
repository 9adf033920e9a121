"""`nightsweep doctor` on this machine, as a shell would see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from nightsweep.cluster.doctor.command import verdict
from nightsweep.cluster.doctor.finding import Finding, Level

from ...conftest import Command
from ..conftest import GRID


def sweep(folder: Path, **changes: object) -> Path:
    file = folder / "sweep.yaml"
    file.write_text(yaml.safe_dump(GRID | changes))
    return file


def test_every_part_of_the_machine_is_told(nightsweep: Command) -> None:
    told = nightsweep("doctor")
    topics = ("GPUs", "CPUs", "memory", "run folder", "Ray's files", "/dev/shm", "open files")
    for topic in (*topics, "processes", "clock", "versions", "cluster"):
        assert f" {topic} " in told.out
    assert told.err == ""
    assert told.code in (0, 2)  # whatever is wrong with the machine that runs this


def test_with_a_sweep_it_tells_how_many_trials_fit(nightsweep: Command, tmp_path: Path) -> None:
    told = nightsweep("doctor", sweep(tmp_path, slots=1), "--json")
    found = json.loads(told.out)
    assert found["findings"][-1]["said"] == (
        "grid: 1 trial at once, 1 CPU and 0 GPU each; slots in the sweep says so"
    )
    assert found["stops"] is (told.code == 2)


def test_a_sweep_for_which_there_is_too_little_stops(nightsweep: Command, tmp_path: Path) -> None:
    told = nightsweep("doctor", sweep(tmp_path, resources={"cpus": 5000}))
    assert told.code == 2
    assert "not one trial fits: each asks for 5000 CPU" in " ".join(told.out.split())
    assert "stops a sweep" in told.out.splitlines()[-1]


def test_a_disk_that_is_too_small_for_the_checkpoints_stops(
    nightsweep: Command, tmp_path: Path
) -> None:
    told = nightsweep("doctor", sweep(tmp_path, checkpoints={"max": "900000TB"}))
    assert told.code == 2
    assert "stops  sweep" in told.out


def test_a_mistake_in_the_sweep_file_is_one_message(nightsweep: Command, tmp_path: Path) -> None:
    told = nightsweep("doctor", sweep(tmp_path, trails=4))
    assert (told.code, told.out) == (2, "")
    assert "trails" in told.err


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ([Level.FINE], "Nothing here stops a sweep."),
        ([Level.LIMITS], "Nothing here stops a sweep; 1 thing would limit one."),
        ([Level.STOPS, Level.FINE], "1 thing here stops a sweep."),
        (
            [Level.STOPS, Level.STOPS, Level.LIMITS, Level.LIMITS],
            "2 things here stop a sweep; 2 things would limit one.",
        ),
    ],
)
def test_what_it_comes_to_is_one_sentence(levels: list[Level], words: str) -> None:
    assert verdict([Finding(topic="", said="", level=level) for level in levels]) == words


@pytest.mark.ray
@pytest.mark.usefixtures("ray_cluster")  # which is taken for the one that it would start
def test_a_ray_runs_a_task_if_asked_for(nightsweep: Command) -> None:
    told = nightsweep("doctor", "--ray", "--json")
    found = {one["topic"]: one["said"] for one in json.loads(told.out)["findings"]}
    assert found["Ray"].startswith("starts here, and has run a task after ")
