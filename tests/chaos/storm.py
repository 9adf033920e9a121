"""What befalls the sweep, in the order that the seed decides, until its time is over."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

from . import ends, within
from .deck import deal
from .scene import Over, Scene, Violation

CLUSTER_DOWN = 69  # docs/command-line.md
PAUSE = 0.6  # seconds between two faults, at most
LONG = 0.3  # of the time belongs to the first driver, so that its memory can be judged
WITHIN = {
    within.worker_killed: 5,
    within.worker_killed_as_it_saves: 4,
    within.worker_told_to_end: 4,
    within.worker_held: 5,
    within.driver_held: 2,
    within.exits: 2,
    within.hangs: 1,
    within.runs_out_of_memory: 5,
    within.paused_checkpoint_damaged: 3,
    within.second_driver: 1,
    within.readers: 3,
    within.disk_full: 1,
    within.paused: 1,
}
ENDS = {
    ends.driver_killed: 3,
    ends.supervisor_killed: 1,
    ends.machine_killed: 2,
    ends.ray_killed: 1,
    ends.told_to_end: 1,
    ends.every_process_told_to_end: 1,
    ends.stopped_by_hand: 1,
    ends.hung_up: 1,
    ends.interrupted: 1,
    ends.interrupted_twice: 1,
}
BETWEEN = {ends.checkpoint_damaged: 2, ends.half_a_checkpoint: 1, ends.journal_torn: 2}


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault, and what followed."""

    at: float  # seconds since the beginning
    kind: str
    seconds: float
    followed: str


class Storm:
    """One disturbed run. `seconds`: how long faults come. `epochs`: that the sweep trains."""

    def __init__(self, scene: Scene, seconds: float, epochs: int, *, disk: bool) -> None:
        self.struck: list[Struck] = []
        self._scene = scene
        self._began = time.monotonic()
        self._seconds = seconds
        self._epochs = epochs
        self._within = deal(
            {kind: n for kind, n in WITHIN.items() if disk or kind != within.disk_full},
            scene.chance,
        )
        self._ends = deal(ENDS, scene.chance)
        self._between = deal(BETWEEN, scene.chance)

    @property
    def _now(self) -> float:
        return time.monotonic() - self._began

    def run(self) -> None:
        """Until the sweep is done; no more faults once the time is over. Errors: Violation."""
        scene, chance = self._scene, self._scene.chance
        try:
            self._life(scene, count=10**6, until=LONG * self._seconds)
            while self._now < self._seconds:
                for _ in range(chance.choice([1, 1, 2, 3])):
                    self._strike(next(self._between))
                self._life(scene, count=chance.randint(3, 9), until=self._seconds)
            (scene.place / "slow").unlink(missing_ok=True)
            scene.start()
            while True:
                scene.until_trained()
        except Over:
            scene.watched.look()

    def _life(self, scene: Scene, *, count: int, until: float) -> None:
        """Of a driver, or of a supervisor with several."""
        self._start(supervised=scene.chance.random() < 0.3)
        while True:
            for _ in range(count):
                if self._now > until:
                    break
                time.sleep(scene.chance.random() * PAUSE)
                scene.check()
                self._strike(next(self._within))
            self._strike(self._end())
            if scene.process.poll() is not None:
                return
            count = scene.chance.randint(3, 9)  # of the next driver under the same supervisor

    def _start(self, *, supervised: bool) -> None:
        """A driver that trains. On a busy machine Ray may not come up in its fixed time."""
        for last in (False, False, True):
            began = self._now
            self._scene.start(supervised=supervised)
            try:
                self._scene.until_trained()
                return
            except Violation:
                if last or self._scene.process.poll() != CLUSTER_DOWN:
                    raise
            self._note(Struck(began, "Ray did not start", self._now - began, "resumed"))

    def _end(self) -> within.Fault:
        end = next(self._ends)
        while end is ends.supervisor_killed and not self._scene.supervised:
            end = next(self._ends)
        return end

    def _strike(self, fault: within.Fault) -> None:
        began, kind = self._now, fault.__name__.replace("_", " ")
        try:
            followed = fault(self._scene)
        except Over:
            self._note(Struck(began, kind, self._now - began, "the sweep was done"))
            raise
        except Violation:
            self._note(Struck(began, kind, self._now - began, "NOT AS PROMISED"))
            raise
        self._note(Struck(began, kind, self._now - began, followed))
        self._scene.watched.look()
        self._keep_pace()

    def _keep_pace(self) -> None:
        """Slow the training down while it is ahead of the time."""
        slow, trained = self._scene.place / "slow", sum(self._scene.tail.furthest.values())
        if trained / self._epochs > self._now / self._seconds:
            slow.touch()
        else:
            slow.unlink(missing_ok=True)

    def _note(self, struck: Struck) -> None:
        self.struck.append(struck)
        print(f"{struck.at:7.1f} s  {struck.kind}: {struck.followed}, {struck.seconds:.1f} s")
        sys.stdout.flush()
