"""The soak: one sweep of real training, and everything that a night can do to it.

    python -m tests.chaos.soak --minutes 20 --seed 0      (make chaos MINUTES=20 SEED=0)

Runs the sweep undisturbed, then disturbed, and compares. Exits with 1 where anything that was
promised is not so, and then leaves its folder. The seed decides which faults come in which order;
what one hits is a matter of milliseconds, and differs from run to run.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import nightsweep
from nightsweep.search.journal import read

from ..cluster.disturb import DONE, driver, said
from .disk import small_disk
from .leftovers import files, processes, until_none
from .memory import Sample, Watcher, growth
from .scene import Scene, Violation
from .storm import Storm, Struck
from .verdict import differences, lost, repeated

MARK = "NIGHTSWEEP_SOAK"  # in the environment of every process of a soak
TRIALS = 16  # for each minute; more are trained faster where nobody disturbs


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="nc-"))  # short: the paths of Ray's sockets are limited
    temporary = root / "t"
    temporary.mkdir()
    os.environ |= {"TMPDIR": str(temporary), "RAY_TMPDIR": str(temporary), MARK: root.name}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        violations = list(_soak(root, given.minutes, given.seed))
    finally:
        for process in processes(MARK, root.name):
            process.kill()
    for violation in violations:
        print(f"VIOLATION: {violation}")
    if violations:
        print(f"everything is in {root}")
        return 1
    shutil.rmtree(root)
    print("the same result, to the last digit; nothing was lost, and nothing is left behind")
    return 0


def _soak(root: Path, minutes: float, seed: int) -> Iterator[str]:
    """What was promised, and is not so."""
    began, trials = time.monotonic(), round(TRIALS * minutes)
    _say(f"soak: seed {seed}, {minutes:g} minutes, {trials} trials, {os.cpu_count()} CPUs")
    expected, usual = _undisturbed(_place(root / "even"), trials)
    epochs, took = expected.study.trained, time.monotonic() - began
    _say(f"undisturbed: {epochs} epochs in {took:.0f} s")
    odd = _place(root / "odd")
    with small_disk(odd / "run") as small:
        scene = Scene(odd, random.Random(seed), trials)
        storm, watcher = Storm(scene, 60 * minutes - took, epochs, disk=small), Watcher(scene.run)
        try:
            storm.run()
            yield from _compared(expected, scene)
        except Violation as violation:
            yield str(violation)
        finally:
            samples = watcher.stop()
            _say(table(storm.struck))
            if not small:
                _say("disk full: skipped, since this user may not mount a small disk")
            shutil.copytree(scene.run, odd / "kept")
    grown = growth(samples, usual)
    _say(f"memory of the driver: {grown or 'no driver lived long enough'}")
    if grown and not grown.flat:
        yield f"the driver's memory grows by faults: {grown}"
    yield from _left(root, odd / "kept")


def _undisturbed(place: Path, trials: int) -> tuple[nightsweep.Results, list[Sample]]:
    words = ["run", "sweep.yaml", "--out", "run", "--trials", str(trials)]
    watcher = Watcher(place / "run")
    code = driver(place, *words).wait()
    assert code == DONE, said(place)
    return nightsweep.load(place / "run"), watcher.stop()


def _compared(expected: nightsweep.Results, scene: Scene) -> Iterator[str]:
    found = nightsweep.load(scene.run)
    yield from (f"trials: {one}" for one in differences(expected.trials, found.trials))
    yield from (f"curves: {one}" for one in differences(expected.curves, found.curves))
    if found.study.trained != expected.study.trained:
        yield f"{found.study.trained} epochs count instead of {expected.study.trained}"
    events = [entry.event for entry in read(found.folder.journal)]
    yield from lost(events)
    again = repeated(events)
    _say(
        f"{len(found.trials)} trials; {again.interruptions} interruptions, after which "
        f"{again.epochs} of {expected.study.trained} epochs were trained again, {again.most} at "
        "most after one"
    )


def _left(root: Path, run: Path) -> Iterator[str]:
    """Processes and temporary files; Ray's agents have a minute."""

    def alive() -> list[str]:
        return [f"process {one.pid}, {one.name()}" for one in processes(MARK, root.name)]

    left = until_none(alive) + files(root / "t", run)
    yield from (f"left behind: {one}" for one in left)


def _place(place: Path) -> Path:
    place.mkdir()
    for name in ("sweep.yaml", "train.py"):
        shutil.copy(Path(__file__).with_name(name), place)
    return place


def table(struck: Sequence[Struck]) -> str:
    """Each kind of fault: how many, how long until all went on, and what followed."""
    kinds: defaultdict[str, list[Struck]] = defaultdict(list)
    for one in struck:
        kinds[one.kind].append(one)
    lines = [f"{'fault':<28} {'times':>5} {'median s':>8}  what followed"]
    for kind, several in sorted(kinds.items(), key=lambda pair: -len(pair[1])):
        median = statistics.median(one.seconds for one in several)
        followed = Counter(one.followed for one in several).most_common()
        words = ", ".join(f"{text} ({times})" for text, times in followed)
        lines.append(f"{kind:<28} {len(several):>5} {median:>8.1f}  {words}")
    return "\n".join([*lines, f"{'all':<28} {len(struck):>5}"])


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
