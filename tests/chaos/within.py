"""Faults that a driver lives through. Each returns what followed, or raises Violation."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from nightsweep.search.lock import holder

from .scene import Scene, Violation

AGAIN = "trained again"
AS_EVER = "trained on"
MISSED = "came too late"

Fault = Callable[[Scene], str]


def worker_killed(scene: Scene) -> str:
    """-9, at any moment."""
    worker = scene.worker
    with contextlib.suppress(psutil.NoSuchProcess):
        worker.kill()
    return _replaced(scene, worker)


def worker_killed_as_it_saves(scene: Scene) -> str:
    """-9 while a checkpoint is being written aside."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        scene.check()
        worker, folder = scene.worker, scene.run / "trials" / str(scene.tail.trial)
        aside = folder / f".writing-{worker.pid}"
        delay = scene.chance.choice([0.0, 0.0, 0.001, 0.003])
        for _ in range(2000):
            if aside.exists():
                time.sleep(delay)
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.kill()
                cut = aside.exists()
                return f"{_replaced(scene, worker)}; {'was cut' if cut else 'was whole'}"
    return MISSED


def worker_told_to_end(scene: Scene) -> str:
    """SIGTERM to the worker alone: whether it ends is the driver's to say."""
    worker = scene.worker
    with contextlib.suppress(psutil.NoSuchProcess):
        worker.terminate()
        scene.until_trained()
        if scene.worker != worker:
            raise Violation("a worker has ended by SIGTERM, though its driver lives")
    return AS_EVER


def worker_held(scene: Scene) -> str:
    """SIGSTOP for less than the timeout."""
    return _held(scene, scene.worker, scene.chance.uniform(0.1, 1.5))


def driver_held(scene: Scene) -> str:
    """SIGSTOP, for longer than the timeout once in a while: the slots are not to blame."""
    return _held(scene, scene.driver, scene.chance.choice([0.3, 0.6, 1.0, 2.0, 12.0]))


def exits(scene: Scene) -> str:
    """The training function ends its process."""
    worker = _from_within(scene, "exit")
    return _replaced(scene, worker) if worker else MISSED


def hangs(scene: Scene) -> str:
    """The training function stands still."""
    worker = _from_within(scene, "hang")
    return _replaced(scene, worker) if worker else MISSED


def runs_out_of_memory(scene: Scene) -> str:
    """The training function raises MemoryError."""
    if not _from_within(scene, "memory"):
        return MISSED
    scene.until_trained(2)
    return AGAIN


def paused_checkpoint_damaged(scene: Scene) -> str:
    """While the driver lives; it is found when the trial goes on, if it ever does."""
    return damaged(scene)


def damaged(scene: Scene) -> str:
    """A checkpoint is cut, changed or gone."""
    found = [path for path in scene.run.glob("trials/*/epoch-*/state.pt") if path.exists()]
    if not found:
        return MISSED
    path, chance = scene.chance.choice(sorted(found)), scene.chance
    try:
        match chance.choice(["cut", "flipped", "gone", "no manifest"]):
            case "cut":
                with path.open("r+b") as file:
                    file.truncate(chance.randrange(path.stat().st_size))
            case "flipped":
                flip(path, chance.randrange(path.stat().st_size))
            case "gone":
                path.unlink()
            case "no manifest":
                path.with_name(".manifest.json").write_text("{")
    except FileNotFoundError:  # its trial has just replaced it
        return MISSED
    return "done"


def flip(path: Path, at: int) -> None:
    """Flip the bits of one byte."""
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 0xFF]))


def second_driver(scene: Scene) -> str:
    """It is refused, and named the first."""
    first = holder(scene.run / "driver.lock")
    code, said = scene.told("resume", "run")
    scene.check()
    if code != 2 or first is None or f"process {first.pid}" not in said:
        raise Violation(f"a second driver ended with {code}, and said: {said}")
    return "refused with exit code 2"


def paused(scene: Scene) -> str:
    """`nightsweep pause`, and `continue` after a while."""
    _steer(scene, "pause")
    scene.until(lambda: scene.tail.look().held, "the driver has not paused")
    time.sleep(scene.chance.uniform(0.0, 2.0))
    _steer(scene, "continue")
    scene.until_trained()
    return AS_EVER


def readers(scene: Scene) -> str:
    """Someone looks at the run."""
    for words in scene.chance.sample([["status"], ["report"], ["best"], ["status", "--json"]], 1):
        code, said = scene.told(*words, "run")
        if code not in (0, 1) or "Traceback" in said:
            raise Violation(f"nightsweep {words[0]} ended with {code}, and said: {said}")
    return "answered"


def disk_full(scene: Scene) -> str:
    """No byte is free where the run folder lies, for some seconds."""
    filler = scene.run / "filler"
    try:
        for size in (1 << 20, 1 << 12, 1):
            _fill(filler, size)
        time.sleep(scene.chance.uniform(0.5, 4.0))
    finally:
        filler.unlink(missing_ok=True)
    scene.until_trained()
    return AS_EVER


def _fill(path: Path, size: int) -> None:
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(size)) == size:
            pass


def _steer(scene: Scene, word: str) -> None:
    code, said = scene.told(word, "run")
    scene.check()
    if code:
        raise Violation(f"nightsweep {word} ended with {code}, and said: {said}")


def _replaced(scene: Scene, worker: psutil.Process) -> str:
    """Wait until another worker has reported."""
    scene.until(lambda: scene.tail.look().worker != worker.pid, "no other worker has begun")
    scene.until_trained()
    return AGAIN


def _held(scene: Scene, process: psutil.Process, seconds: float) -> str:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            process.send_signal(signal.SIGCONT)
    scene.until_trained()
    return AS_EVER


def _from_within(scene: Scene, fault: str) -> psutil.Process | None:
    """Have a trial meet a fault; the process in which it did."""
    waiting = scene.place / fault
    waiting.touch()
    deadline = time.monotonic() + 20
    while waiting.exists():
        scene.check()
        if time.monotonic() > deadline:
            waiting.unlink(missing_ok=True)
            return None
        time.sleep(0.02)
    return scene.worker
