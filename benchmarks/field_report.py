"""Results of `field.py` as Markdown tables.

Means are over tasks and seeds; the tasks are fixed, so that ± is the standard error over seeds
alone: with so many seeds of a task, sqrt(sum of (variance / seeds)) / tasks.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from field_peers import PEERS, STOCK, entry

Run = dict[str, Any]
PARTS = {"1/8": 1 / 8, "1/4": 1 / 4, "1/2": 1 / 2, "all": 1.0}


def report(runs: Sequence[Run]) -> Iterator[str]:
    """The lines of all tables: each family, all tasks, and each task at the end."""
    families = list(dict.fromkeys(run["family"] for run in runs))
    for family in families:
        yield from summary(family, [run for run in runs if run["family"] == family])
    if len(families) > 1:
        yield from summary("all tasks", runs)
    for family in families:
        yield from by_task(family, [run for run in runs if run["family"] == family])


def summary(title: str, runs: Sequence[Run]) -> Iterator[str]:
    """Regret at parts of the budget, and how much of it would have been enough."""
    rows = {name: list(group) for name, group in by(runs, "peer").items()}
    means = {name: mean_curve(group) for name, group in rows.items()}
    stock = means.get(STOCK)
    peers = [curve for name, curve in means.items() if name in PEERS]
    best = min(peers, key=lambda curve: float(curve[-1]), default=None)
    tasks = len({(run["family"], run["task"]) for run in runs})
    yield f"### {title}: normalised regret, {tasks} tasks, {seeds(runs)}"
    yield ""
    yield from header(
        ["", *PARTS, "to stock's end", "to the best peer's end", "trials", "ms per ask"]
    )
    for name, group in ordered(rows):
        curve = means[name]
        cells = [score(group, part) for part in PARTS.values()]
        cells += [reached(curve, stock), reached(curve, best)]
        cells.append(f"{statistics.mean(run['trials'] for run in group):.0f}")
        spent = sum(run["seconds"] for run in group) / sum(run["asks"] for run in group)
        yield line([entry(name).title, *cells, f"{spent * 1e3:.1f}"])
    yield ""


def by_task(family: str, runs: Sequence[Run]) -> Iterator[str]:
    """The regret at the end of the budget, task by task."""
    tasks = list(dict.fromkeys(run["task"] for run in runs))
    yield f"### {family}: normalised regret at the end, task by task"
    yield ""
    yield from header(["", *tasks])
    for name, group in ordered(by(runs, "peer")):
        at = by(group, "task")
        yield line([entry(name).title, *(score(at[t], 1.0) if t in at else "" for t in tasks)])
    yield ""


def by(runs: Iterable[Run], key: str) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run[key]].append(run)
    return dict(groups)


def ordered(rows: dict[str, list[Run]]) -> list[tuple[str, list[Run]]]:
    """The peers in their order, then nightsweep and its variants."""
    places = {name: place for place, name in enumerate(PEERS)}
    return sorted(rows.items(), key=lambda row: (places.get(row[0], len(places)), row[0]))


def of_tasks(runs: Iterable[Run]) -> list[np.ndarray]:
    """The curves of each task: [seeds, grid]."""
    groups: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for run in runs:
        groups[run["family"], run["task"]].append(run["regret"])
    return [np.array(group) for group in groups.values()]


def mean_curve(runs: Iterable[Run]) -> np.ndarray:
    """The mean over tasks of the mean over seeds."""
    means = np.array([curves.mean(axis=0) for curves in of_tasks(runs)])
    curve: np.ndarray = means.mean(axis=0)
    return curve


def score(runs: Sequence[Run], part: float) -> str:
    """The mean at a part of the budget, and its error."""
    columns = [curves[:, round(part * curves.shape[1]) - 1] for curves in of_tasks(runs)]
    mean = float(np.mean([column.mean() for column in columns]))
    if any(len(column) < 2 for column in columns):
        return f"{mean:.3f}"
    error = sum(column.var(ddof=1) / len(column) for column in columns) ** 0.5 / len(columns)
    return f"{mean:.3f} ± {error:.3f}"


def reached(curve: np.ndarray, other: np.ndarray | None) -> str:
    """The first part of the budget at which a mean curve is as low as another at its end."""
    if other is None:
        return ""
    there = np.flatnonzero(curve <= other[-1])
    return f"{(there[0] + 1) / len(curve):.2f}" if len(there) else "–"


def seeds(runs: Iterable[Run]) -> str:
    """How many seeds, where that differs among rows or tasks from how many to how many."""
    counts = {len(of_task) for row in by(runs, "peer").values() for of_task in of_tasks(row)}
    low, high = min(counts), max(counts)
    return f"{high} seed{'s' * (high > 1)}" if low == high else f"{low} to {high} seeds"


def header(cells: Sequence[str]) -> list[str]:
    return [line(cells), line(["---", *("--:" for _ in cells[1:])])]


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
