"""The scripts in a job's pods, run by a real shell; its `python` and `ray` are the tests' own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nightsweep.cluster.jobs.kubernetes.scripts import LEAVE, scripts

from .kube import job

RUN = "runs/digits"


class Pod:
    """A folder that is a pod's /tmp and working folder, with programs of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "app").mkdir()
        (place / "bin").mkdir()
        (place / RUN).mkdir(parents=True)
        self.program("ray", 'echo "$@" >> {place}/ray')
        made = job(place, {"folder": str(place / "app"), "setup": "export MINE=set"})
        self.scripts = scripts(made, made.asked.kubernetes, "digits-1", str(place / RUN))

    def program(self, name: str, lines: str) -> None:
        """Write a shell script that is found by that name; {place} is the pod's folder."""
        path = self.place / "bin" / name
        path.write_text(f"#!/bin/bash\n{lines.replace('{place}', str(self.place))}\n")
        path.chmod(0o755)

    def start(self, name: str) -> subprocess.Popen[str]:
        """Begin one of the scripts."""
        text = self.scripts[name].replace("/tmp/nightsweep", f"{self.place}/nightsweep")
        return subprocess.Popen(
            [
                "bash",
                "-c",
                text.replace("sleep 60", "sleep 0.1")
                .replace("sleep 1", "sleep 0.05")
                .replace("sleep 20", "sleep 0.05"),
            ],
            env=os.environ | {"PATH": f"{self.place / 'bin'}:{os.environ['PATH']}"},
            text=True,
        )

    def end(self, name: str) -> int:
        """Its exit code."""
        return self.start(name).wait(20)

    @property
    def ray(self) -> str:
        """What was asked of Ray."""
        path = self.place / "ray"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    """A pod whose driver is still to be written."""
    return Pod(tmp_path)


def wait_for(seen: Callable[[], bool]) -> None:
    for _ in range(400):
        if seen():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come")


STOPPABLE = "trap 'echo saved >> {place}/saved; exit 75' TERM\ntouch {place}/up\n"
STOPPABLE += "while :; do sleep 0.02; done"


def test_the_sweep_is_begun_or_gone_on_with_in_its_folder(pod: Pod) -> None:
    pod.program("python", 'echo "$MINE $PWD $*" > {place}/words')
    assert pod.end("start.sh") == 0
    assert (pod.place / "words").read_text() == (
        f"set {pod.place}/app -P -m nightsweep run digits.yaml --out {pod.place}/{RUN} --resume "
        "--keep-going --address auto\n"
    )


@pytest.mark.parametrize("code", [69, 137])
def test_a_failure_is_one_to_kuberay_which_tries_again(pod: Pod, code: int) -> None:
    pod.program("python", f"exit {code}")
    assert pod.end("start.sh") == code
    assert pod.ray == ""


def test_done_without_a_finite_value_is_no_failure(pod: Pod) -> None:
    pod.program("python", "exit 1")
    assert pod.end("start.sh") == 1
    (pod.place / RUN / "journal.jsonl").write_text('{"event":"closed","done":true,"crc":"0"}\n')
    assert pod.end("start.sh") == 0


def test_a_sweep_that_somebody_stopped_does_not_come_back(pod: Pod) -> None:
    pod.program("python", "exit 75")
    pod.end("start.sh")
    assert pod.ray == "job stop --no-wait --address http://127.0.0.1:8265 digits-1\n"


def test_bad_input_does_not_come_back(pod: Pod) -> None:
    pod.program("python", "echo once >> {place}/tried; exit 2")
    pod.end("start.sh")
    assert pod.ray == "job stop --no-wait --address http://127.0.0.1:8265 digits-1\n"
    assert len((pod.place / "tried").read_text().splitlines()) == 4


def test_a_pod_that_still_writes_is_waited_for(pod: Pod) -> None:
    pod.program("python", "[ -e {place}/gone ] || { touch {place}/gone; exit 2; }")
    assert pod.end("start.sh") == 0
    assert pod.ray == ""


def test_a_head_that_must_go_has_its_trials_saved_and_comes_back(pod: Pod) -> None:
    pod.program("python", STOPPABLE)
    start = pod.start("start.sh")
    wait_for((pod.place / "up").exists)
    assert pod.end("stop.sh") == 0
    assert (pod.place / "saved").read_text() == "saved\n"
    assert start.wait(20) == 75
    assert pod.ray == ""


def test_a_driver_that_was_told_already_is_not_told_twice(pod: Pod) -> None:
    pod.program("python", STOPPABLE.replace("; exit 75", "").replace("sleep 0.02", "sleep 0.3"))
    start = pod.start("start.sh")
    wait_for((pod.place / "up").exists)
    start.terminate()
    wait_for((pod.place / "saved").exists)
    stop = pod.start("stop.sh")
    wait_for((pod.place / "nightsweep.leaving").exists)
    time.sleep(0.5)
    assert (pod.place / "saved").read_text() == "saved\n"
    os.kill(int((pod.place / "nightsweep.pid").read_text()), 9)
    assert (stop.wait(20), start.wait(20)) == (0, 137)


def test_a_head_without_a_driver_goes_at_once(pod: Pod) -> None:
    assert pod.end("stop.sh") == 0


def test_a_worker_waits_while_something_trains(tmp_path: Path) -> None:
    text = (
        LEAVE.replace("/proc/", f"{tmp_path}/")
        .replace("sleep 1", "sleep 0.05")
        .replace("sleep 20", "sleep 0.05")
    )
    (tmp_path / "1").mkdir()
    line = tmp_path / "1" / "cmdline"
    line.write_bytes(b"ray::Worker.step\0\0")
    leaving = subprocess.Popen(["bash", "-c", text])
    time.sleep(0.3)
    assert leaving.poll() is None
    line.write_bytes(b"ray::IDLE\0\0")
    assert leaving.wait(20) == 0


@pytest.mark.parametrize("name", ["start.sh", "stop.sh", "leave.sh"])
def test_a_shell_can_read_it(pod: Pod, name: str) -> None:
    assert subprocess.run(["bash", "-n", "-c", pod.scripts[name]]).returncode == 0
