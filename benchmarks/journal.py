"""What the journal costs: events a second written to this disk, and reading them all again.

python benchmarks/journal.py [--events 10000 100000] [--folder .]

The events are those of a sweep: random proposals, ASHA with rungs at 3, 9 and 27 epochs, nine or
ten events a trial. A quarter of them are decisions, which are on the disk before the next is made.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from nightsweep.search import Study, Sweep
from nightsweep.search.clock import Clock
from nightsweep.search.events import FORMAT, Asked, Event, Started
from nightsweep.search.journal import Journal
from nightsweep.search.results import Results
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.study import Decision, Trial

MEMORY = Path("/dev/shm")  # the journals to be replayed are written there, for speed
SWEEP = Sweep(
    name="journal",
    metric="val_loss",
    parameters={
        "lr": {"min": 1e-5, "max": 1.0, "log": True},
        "momentum": {"min": 0.0, "max": 0.99},
        "layers": {"min": 1, "max": 4},
        "batch_size": {"values": [16, 32, 64, 128]},
    },
    max_epochs=27,
    trials=1_000_000,
    sampler="random",
    scheduler={"name": "asha", "grace": 3},
)


def events() -> Iterator[Event]:
    """What happens in the sweep, one trial after the other, without end."""
    happened: list[Event] = []
    study = Study(SWEEP, happened.append)
    while trial := study.ask():
        host = Started(trial=trial.id, attempt=1, host="node-1", pid=12345, device="cuda:0")
        happened.append(host)
        train(study, trial)
        yield from happened
        happened.clear()


def train(study: Study, trial: Trial) -> None:
    """Report until the study wants no more."""
    epoch, decision = trial.epoch, Decision.CONTINUE
    while decision is Decision.CONTINUE:
        epoch += 1
        loss = abs(math.log10(trial.config["lr"]) + 2) + 1 / epoch + math.sin(trial.id) / 20
        metrics = {"train_loss": loss * 0.9123, "val_loss": loss}
        saved = epoch >= trial.until
        decision = study.report(trial.id, epoch, metrics, seconds=1.234, checkpoint=saved)


def written(path: Path, happened: Sequence[Event]) -> float:
    """The seconds that it takes to write these events."""
    journal = Journal(path, Clock())
    began = time.perf_counter()
    for event in happened:
        journal.append(event)
    took = time.perf_counter() - began
    journal.close()
    return took


def new_run(path: Path) -> RunFolder:
    folder = RunFolder.create(path)
    header = {"format": FORMAT, "sweep": SWEEP.model_dump(mode="json")}
    folder.resolved.write_text(json.dumps(header), encoding="utf-8")
    return folder


def load(run: Path) -> None:
    """Replay a run: what `resume` does first. Prints seconds (wall, CPU) and megabytes."""
    began, busy = time.perf_counter(), time.process_time()
    results = Results.load(run)
    took, busy = time.perf_counter() - began, time.process_time() - busy
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(len(results.study.trials), took, busy, most)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.load:
        return load(given.load)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        writing(Path(folder))
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        replaying(Path(folder), sorted(given.events))


def writing(folder: Path) -> None:
    """How many events a second this disk takes."""
    mixed = list(itertools.islice(events(), 10_000))
    asked = [event for event in mixed if isinstance(event, Asked)]
    kinds: dict[str, Sequence[Event]] = {"as in a sweep": mixed, "decisions only": asked}
    for name, some in kinds.items():
        took = written(folder / f"{name}.jsonl", some)
        print(f"written, {name}: {len(some) / took:,.0f} events a second")


def replaying(folder: Path, counts: list[int]) -> None:
    """How long reading so many takes, and how much memory the process that did it has had."""
    print(
        f"{'events':>10} {'trials':>8} {'MB':>6} {'replay':>9} {'CPU':>9} {'an event':>9} memory"
    )
    run = new_run(folder / "run")
    journal, source, done = Journal(run.journal, Clock()), events(), 0
    for count in counts:
        for event in itertools.islice(source, count - done):
            journal.append(event)
        done = count
        told = subprocess.check_output([sys.executable, __file__, "--load", str(run.path)])
        trials, took, busy, most = map(float, told.split())
        size = run.journal.stat().st_size / 1e6
        print(
            f"{count:10,} {trials:8,.0f} {size:6.0f} {took:7.2f} s {busy:7.2f} s "
            f"{busy / count * 1e6:6.1f} µs {most:.0f} MB",
            flush=True,
        )
    journal.close()


if __name__ == "__main__":
    main()
