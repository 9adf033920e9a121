"""An experiment of Ray Tune's: `from: ~/ray_results/NAME`, with a folder for each trial.

Only its plain files are read: params.json, and result.json or progress.csv. What is pickled there
(params.pkl, tuner.pkl) is not. They do not say whether a metric was to be small or large.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import NightsweepError
from ..events import Metrics
from .past import Past, PastTrial, number, space_of

EPOCH = "training_iteration"
MOST = 2.0**53  # epochs: beyond, numbers have gaps


def is_one(folder: Path) -> bool:
    """Whether Ray Tune has left its results in this folder."""
    return any(folder.glob("*/params.json"))


def past(folder: Path, metrics: Sequence[str]) -> Past:
    """Its trials, numbered in the order of their folders. Errors: NightsweepError.

    Where each has reported once, that is what it came to; else who was stopped, and who had
    ended, cannot be told apart.
    """
    found = {}
    for params in sorted(folder.glob("*/params.json")):
        try:
            rows = dict(_rows(params.parent))
            config = json.loads(params.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError, csv.Error) as error:
            raise NightsweepError(f"from: {params.parent} cannot be read: {error}") from error
        if rows and isinstance(config, dict):
            found[params.parent.name] = (config, rows)
    if not found:
        raise NightsweepError(
            f"from: no trial of {folder} has reported anything; take it out, or wait for one"
        )
    once = all(len(rows) == 1 for _, rows in found.values())
    trials = tuple(
        _trial(count, config, rows, metrics, once=once)
        for count, (config, rows) in enumerate(found.values(), 1)
    )
    names = {name for _, rows in found.values() for row in rows.values() for name in row}
    return Past(
        goals=dict.fromkeys(sorted(names)),
        space=space_of(trial.config for trial in trials),
        trials=trials,
    )


def _trial(
    count: int,
    config: dict[str, Any],
    rows: dict[int, Metrics],
    metrics: Sequence[str],
    *,
    once: bool,
) -> PastTrial:
    last = max(rows)
    return PastTrial(
        id=count,
        config=config,
        epochs=last,
        reported={} if once else rows,
        final=rows[last] if once else None,
        diverged=not all(math.isfinite(rows[last].get(name, 0.0)) for name in metrics),
    )


def _rows(trial: Path) -> Iterator[tuple[int, Metrics]]:
    """Each epoch's metrics; one that was trained again comes again."""
    if (results := trial / "result.json").is_file():
        lines = results.read_text(encoding="utf-8").splitlines()
        rows = _whole(lines)
    elif (progress := trial / "progress.csv").is_file():
        with progress.open(newline="", encoding="utf-8") as file:
            rows = [dict(_read(row.items())) for row in csv.DictReader(file)]
    else:
        return
    for row in rows:
        numbers = dict(_flat(row))
        epoch = numbers.pop(EPOCH, None)
        if epoch is not None and 1 <= epoch <= MOST:
            yield int(epoch), numbers


def _whole(lines: Sequence[str]) -> list[Any]:
    """The rows; the last line may be torn."""
    rows = []
    for count, line in enumerate(lines, 1):
        try:
            rows.append(json.loads(line))
        except ValueError:
            if count < len(lines):
                raise
    return rows


def _read(cells: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, float]]:
    for name, text in cells:
        try:
            yield name, float(text)
        except (TypeError, ValueError):
            continue  # a word


def _flat(row: Any, prefix: str = "") -> Iterator[tuple[str, float]]:
    """Its numbers; those inside others are called a/b, as Tune calls them."""
    if not isinstance(row, dict):
        return
    for name, value in row.items():
        if name == "config":
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}/")
        elif (known := number(value)) is not None:
            yield f"{prefix}{name}", known
