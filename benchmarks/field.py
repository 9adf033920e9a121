"""nightsweep and its peers on tables of learning curves: one budget, one virtual cluster.

    python benchmarks/field.py FOLDER [--seeds 10] [--processes 2] [--out field.json]
    python benchmarks/field.py FOLDER --defaults --peers stock,nightsweep --nightsweep random
    python benchmarks/field.py --print field.json more.json

FOLDER holds the tables and their `curves.py` (see field_tasks.py, which also says how a search is
scored). Eight workers; an epoch takes its configuration's seconds; 40 full trainings of median
cost in all; at most 50 epochs, eta 3, grace 1. Every run is saved as it ends; a second call with
the same `--out` does what is missing, so that a long measurement can be split and stopped.

Peers run through their own public objects with their documented defaults (field_peers/):

    pip install -c constraints.txt -e '.[peers]'
    pip install --no-deps DEHB==0.1.2 neural-pipeline-search==0.17.0

The last two ask for older releases of numpy and pandas than we have, and work with ours. Who is
not installed is left out. Peers to which every epoch is reported are told NaN where a curve
diverges, as by their users, or with `--finite` the worst final error of the table.

`--defaults`: the centre of each range, on its own scale, is tried first by all who can take it
(DEHB cannot; SMAC takes it behind its random ones). It is what a user who knows nothing would
write, and favours nobody.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import random
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from field_peers import OWN, PEERS, entry
from field_report import Run, report
from field_tasks import Seat, Table, curves, regrets

FAMILIES = "lcbench,taskset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all runs of a file share."""

    workers: int = 8
    defaults: bool = False
    finite: bool = False

    def __str__(self) -> str:
        start = "the centre of the space first" if self.defaults else "no default configuration"
        return f"{self.workers} workers, {start}{', peers are not told NaN' * self.finite}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run."""

    peer: str
    family: str
    task: str
    seed: int


table = cache(Table)


def run(work: tuple[Path, Setting, Job]) -> Run:
    """One search on one table."""
    folder, setting, job = work
    quiet()
    began = time.perf_counter()
    at = table(folder, job.family, job.task)
    problem = at.problem(job.seed)
    if setting.defaults:
        problem = problem.with_default()
    random.seed(job.seed)
    np.random.seed(job.seed)
    row = entry(job.peer)
    seat = Seat(row.build(problem), nan=at.worst if setting.finite and row.told_nan else np.nan)
    regret = regrets(at, seat, setting.workers, job.seed)
    return {
        **asdict(job),
        "regret": [round(value, 6) for value in regret],
        "trials": seat.trials,
        "asks": seat.asks,
        "seconds": round(seat.seconds, 3),
        "took": round(time.perf_counter() - began, 1),
    }


def quiet() -> None:
    """Peers warn of each NaN."""
    logging.disable(logging.ERROR)
    warnings.simplefilter("ignore")


def plan(folder: Path, arguments: argparse.Namespace) -> Iterator[Job]:
    """Seed by seed, so that what is there early covers all tasks."""
    tasks = [(f, t) for f in arguments.families.split(",") for t in curves(folder).tasks(f)]
    names = rows(arguments)
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        for name in names:
            yield from (Job(peer=name, family=f, task=t, seed=seed) for f, t in tasks)


def rows(arguments: argparse.Namespace) -> list[str]:
    """Who takes part. Errors: SystemExit for a name that is unknown."""
    names = [name for name in arguments.peers.split(",") if name]
    for name in names:
        if name not in (*PEERS, OWN):
            sys.exit(f"there is no peer {name!r}, but {', '.join([*PEERS, OWN])}")
    missing = [name for name in names if not entry(name).installed]
    if missing:
        print(f"not installed: {', '.join(missing)}", file=sys.stderr)
    samplers = [sampler for sampler in arguments.nightsweep.split(",") if sampler]
    return [
        *(name for name in names if name not in missing),
        *(f"{OWN} {sampler}" for sampler in samplers),
    ]


def read(paths: list[Path], setting: Setting | None = None) -> tuple[Setting, list[Run]]:
    """All runs of some files, each once. Errors: SystemExit where their settings differ."""
    runs: dict[Job, Run] = {}
    for path in paths:
        content = json.loads(path.read_text())
        own = Setting(**content["setting"])
        if own != (setting or own):
            sys.exit(f"{path} was measured otherwise: {own} Not: {setting}")
        setting = own
        runs |= {job_of(found): found for found in content["runs"]}
    return setting or Setting(), list(runs.values())


def job_of(found: Run) -> Job:
    return Job(**{key: found[key] for key in ("peer", "family", "task", "seed")})


def write(path: Path, setting: Setting, runs: list[Run]) -> None:
    """The whole file anew, then put in its place."""
    content = {"setting": asdict(setting), "runs": runs}
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(content) + "\n")
    beside.replace(path)


def measure(folder: Path, setting: Setting, arguments: argparse.Namespace) -> list[Run]:
    """What is in the file, and every run that is not in it yet."""
    out: Path | None = arguments.out
    runs = read([out], setting)[1] if out and out.exists() else []
    done = {job_of(found) for found in runs}
    work: list[Any] = [
        (folder, setting, job) for job in plan(folder, arguments) if job not in done
    ]
    # New processes, so that these hold before numpy comes: one core each.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for found in pool.imap_unordered(run, work):
            runs.append(found)
            if out:
                write(out, setting, runs)
            print(progress(found), file=sys.stderr)
        pool.close()
        pool.join()  # let the peers put away their semaphores
    return runs


def progress(found: Run) -> str:
    where = f"{found['peer']:18} {found['task']:32} seed {found['seed']}"
    return f"{where} regret {found['regret'][-1]:.4f} {found['took']:6.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", help="holds curves.py and its tables")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--families", default=FAMILIES)
    parser.add_argument("--peers", default=",".join([*PEERS, OWN]))
    parser.add_argument("--nightsweep", default="", help="more rows: these samplers of ours")
    parser.add_argument("--defaults", action="store_true", help="the centre is tried first")
    parser.add_argument("--finite", action="store_true", help="no peer is told NaN")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, help="JSON; what is in it is not run again")
    parser.add_argument("--print", type=Path, nargs="+", metavar="JSON", help="only print these")
    arguments = parser.parse_args()
    if arguments.print:
        setting, runs = read(arguments.print)
    elif arguments.folder:
        setting = Setting(**{name: getattr(arguments, name) for name in Setting.__slots__})
        runs = measure(arguments.folder.resolve(), setting, arguments)
    else:
        parser.error("give the folder of tables, or --print")
    print("\n".join([f"{setting}", "", *report(runs)]))


if __name__ == "__main__":
    main()
