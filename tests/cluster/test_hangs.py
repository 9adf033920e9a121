"""Trials that hang, in real processes: one in its data loader, one that holds the interpreter."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.exceptions import RayActorError

import nightsweep
from nightsweep.cluster.display import Silent
from nightsweep.cluster.postmortem import REACH, Ending
from nightsweep.cluster.run import start
from nightsweep.search.sweep import Sweep

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]


class Listening(Silent):
    """Keeps what it is given to say."""

    def __init__(self) -> None:
        self.notices: set[str] = set()

    def update(self, busy: int, notice: str, searched: float, ends: float = float("inf")) -> None:
        self.notices.add(notice)


def lives(pid: str) -> bool:
    """Whether a process lives in ten seconds still."""
    deadline = time.monotonic() + 10
    while Path("/proc", pid).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return Path("/proc", pid).exists()


def test_trials_that_hang_cost_themselves_and_leave_their_stacks(tmp_path: Path) -> None:
    stuck = tmp_path / "stuck"  # a file for each process that hangs, or was started by one
    stuck.mkdir()

    def train(config: dict[str, Any], trial: nightsweep.Trial) -> None:
        import ctypes
        import os
        import subprocess
        import time

        from torch.utils.data import DataLoader, Dataset

        class Data(Dataset[int]):
            def __getitem__(self, index: int) -> int:
                (stuck / str(os.getpid())).touch()
                time.sleep(1000)
                return index

            def __len__(self) -> int:
                return 1

        def hold_the_interpreter() -> None:
            beside = subprocess.Popen(["sleep", "1000"], start_new_session=True)
            (stuck / str(beside.pid)).touch()
            (stuck / str(os.getpid())).touch()
            library, lock = ctypes.PyDLL(None), ctypes.create_string_buffer(128)
            library.pthread_mutex_lock(lock)
            library.pthread_mutex_lock(lock)

        again = (trial.folder / "log.txt").stat().st_size > 0
        for epoch in trial.epochs():
            if epoch == 2 and config["how"] == "loads" and not again:
                (stuck / str(os.getpid())).touch()
                list(DataLoader(Data(), num_workers=1))
            if epoch == 2 and config["how"] == "holds":
                hold_the_interpreter()
            trial.report(loss=1 / epoch)

    sweep = Sweep(
        metric="loss", parameters={"how": {"values": ["loads", "holds", "good"]}}, max_epochs=3,
        sampler="grid", scheduler="none", timeout="3s",
    )  # fmt: skip
    display = Listening()
    results = start(sweep, train, out=tmp_path / "run", display=display)
    assert results.ledger.done
    rows = results.trials.set_index("config/how")
    assert rows["status"].to_dict() == {
        "loads": "completed", "holds": "failed", "good": "completed",
    }  # fmt: skip
    assert rows["attempts"].to_dict() == {"loads": 2, "holds": 2, "good": 1}
    why = rows["why"]["holds"]
    assert why.startswith("hung twice: no report for ")
    assert why.endswith(" (its timeout is 3 s); its stack is in trials/2/log.txt")
    assert "in __getitem__" in (results.folder.trial(1) / "log.txt").read_text()
    assert "in hold_the_interpreter" in (results.folder.trial(2) / "log.txt").read_text()
    assert any(notice.endswith("after 4 s it counts as hung") for notice in display.notices)
    pids = [path.name for path in stuck.iterdir()]
    assert len(pids) == 6
    assert not [pid for pid in pids if lives(pid)]


def test_a_process_that_has_never_answered_is_ended_at_once(tmp_path: Path) -> None:
    class Stuck:
        def whereabouts(self) -> None:
            time.sleep(1000)

    actor: Any = ray.remote(Stuck).remote()
    answer = actor.whereabouts.remote()
    ending = Ending(actor, answer, tmp_path / "log.txt", "no report", now=100.0)
    ending.press(100.0)
    with pytest.raises(RayActorError):
        ray.get(answer, timeout=30)
    assert ending.reason == "no report"


def test_a_process_that_no_task_reaches_is_ended_by_the_driver(tmp_path: Path) -> None:
    class Elsewhere:
        def whereabouts(self) -> tuple[str, int]:
            return "a" * 56, 1  # a node that is not there

    actor: Any = ray.remote(Elsewhere).remote()
    answer = actor.whereabouts.remote()
    ray.wait([answer])
    ending = Ending(actor, answer, tmp_path / "log.txt", "no report", now=100.0)
    ending.press(100.0 + REACH - 1)
    assert ray.get(actor.whereabouts.remote())
    ending.press(100.0 + REACH)
    with pytest.raises(RayActorError):
        _ask_on(actor)


def _ask_on(actor: Any) -> None:
    """Until it answers no more: Ray takes a moment to end what it was told to."""
    for _ in range(300):
        ray.get(actor.whereabouts.remote(), timeout=30)
        time.sleep(0.1)


def test_children_that_hide_the_death_of_their_process_from_ray_are_ended(tmp_path: Path) -> None:
    class Parent:
        def whereabouts(self) -> tuple[str, int]:
            return ray.get_runtime_context().get_node_id(), os.getpid()

        def fork(self) -> int:
            child = os.fork()
            if not child:
                time.sleep(1000)
            return child

    actor: Any = ray.remote(Parent).remote()
    answer = actor.whereabouts.remote()
    child = ray.get(actor.fork.remote())
    os.kill(ray.get(answer)[1], signal.SIGKILL)
    Ending.wait([Ending(actor, answer, tmp_path / "log.txt", "no report", now=0.0)])
    assert not lives(str(child))
