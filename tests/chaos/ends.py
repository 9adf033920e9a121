"""Faults that end a driver, and what may be done to a run folder before the next one starts."""

from __future__ import annotations

import os
import signal
import time

import psutil

from ..cluster.disturb import kill_machine, offspring
from .scene import Scene, Violation
from .within import damaged

RESUME_ME, AT_ONCE = 75, 130
KILLED = -signal.SIGKILL


def driver_killed(scene: Scene) -> str:
    """-9 for the driver alone: all that trained ends with it, and a supervisor starts anew."""
    driver = scene.driver
    children = [child for child in driver.children(recursive=True) if "Agent" not in child.name()]
    driver.kill()
    if not scene.supervised:
        scene.ended(KILLED)
    # Ray's two agents go too, but only after a minute of looking for their dead raylet.
    _, alive = psutil.wait_procs(children, timeout=60)
    if alive:
        raise Violation(f"a dead driver has left {[one.cmdline()[:3] for one in alive]}")
    if scene.supervised:
        scene.until_trained()
        return "started again by --keep-going"
    return "resumed"


def supervisor_killed(scene: Scene) -> str:
    """-9 for the supervisor: its driver hears of it, and stops cleanly."""
    driver = scene.driver
    scene.process.kill()
    scene.ended(KILLED)
    if psutil.wait_procs([driver], timeout=60)[1]:
        raise Violation("a driver has outlived its supervisor by a minute")
    scene.closed()
    return "its driver ended cleanly, resumed"


def machine_killed(scene: Scene) -> str:
    """-9 for the driver, its supervisor, Ray and the workers at once."""
    kill_machine(scene.process)
    return "resumed"


def ray_killed(scene: Scene) -> str:
    """-9 for Ray's raylet or its server, while the driver lives."""
    name = scene.chance.choice(["raylet", "gcs_server"])
    for process in scene.driver.children(recursive=True):
        if process.name() == name:
            process.kill()
    if scene.supervised:
        scene.until_trained()
        return "started again by --keep-going"
    return f"exit code {scene.ended(1, 69)}, resumed"


def told_to_end(scene: Scene) -> str:
    """SIGTERM to the driver, or to its supervisor."""
    scene.process.terminate()
    return _clean(scene, scene.ended(RESUME_ME))


def every_process_told_to_end(scene: Scene) -> str:
    """SIGTERM to every process, as Slurm and systemd send it."""
    for one in [*offspring(scene.process), psutil.Process(scene.process.pid)]:
        try:
            one.terminate()
        except psutil.NoSuchProcess:
            continue
    return _clean(scene, scene.ended(RESUME_ME))


def stopped_by_hand(scene: Scene) -> str:
    """`nightsweep stop`."""
    code, said = scene.told("stop", "run")
    if code:
        raise Violation(f"nightsweep stop ended with {code}, and said: {said}")
    return _clean(scene, scene.ended(RESUME_ME))


def hung_up(scene: Scene) -> str:
    """SIGHUP to the group, as when a terminal is closed or a connection breaks."""
    os.killpg(scene.process.pid, signal.SIGHUP)
    return _clean(scene, scene.ended(RESUME_ME))


def interrupted(scene: Scene) -> str:
    """Ctrl-C: SIGINT to the group."""
    os.killpg(scene.process.pid, signal.SIGINT)
    return _clean(scene, scene.ended(RESUME_ME))


def interrupted_twice(scene: Scene) -> str:
    """Ctrl-C, and again."""
    os.killpg(scene.process.pid, signal.SIGINT)
    time.sleep(1.2)  # sooner, it would be taken for the first
    if scene.process.poll() is None:
        os.killpg(scene.process.pid, signal.SIGINT)
    return f"exit code {scene.ended(RESUME_ME, AT_ONCE)}, resumed"


def checkpoint_damaged(scene: Scene) -> str:
    """One of those that the next driver may go on from."""
    return damaged(scene)


def half_a_checkpoint(scene: Scene) -> str:
    """As a process leaves it that is killed while it writes one."""
    trial = scene.chance.randint(1, scene.tail.look().trial)
    aside = scene.run / "trials" / str(trial) / ".writing-4000001"  # a pid above the kernel's
    aside.mkdir(parents=True, exist_ok=True)
    (aside / "state.pt").write_bytes(scene.chance.randbytes(1000))
    return "removed by the next driver"


def journal_torn(scene: Scene) -> str:
    """Half a line at the end, as a power cut leaves it."""
    journal = scene.run / "journal.jsonl"
    last = journal.read_bytes().splitlines()[-1]
    half = last[: scene.chance.randrange(1, len(last))]
    with journal.open("ab") as file:
        file.write(scene.chance.choice([half, bytes(len(half)), half + bytes(9)]))
    return "cut off"


def _clean(scene: Scene, code: int) -> str:
    scene.closed()
    return f"exit code {code}, resumed"
