"""Results as data frames whose columns have the right types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from .record import Status
from .space import Choice, Float, Int

if TYPE_CHECKING:
    from .results import Results

OWN = ("trial", "epoch", "seconds", "time")  # a metric so named becomes metric/<name>
STATUS = pd.CategoricalDtype([str(status) for status in Status])


def trials_table(results: Results) -> pd.DataFrame:
    """One row a trial, by trial."""
    study, rows = results.study, list(results.rows())
    table: dict[str, Any] = {
        "trial": pd.Series([known.id for known, _ in rows], dtype="int64"),
        "status": pd.Series([str(results.status(known)) for known, _ in rows], dtype=STATUS),
        "why": _text(known.reason for known, _ in rows),
    }
    for name in study.sweep.parameters:
        table[f"config/{name}"] = _config(results, name)
    names = metric_names(results)
    for name in names:
        values = [known.best_metrics.get(name) for known, _ in rows]
        table[f"best/{name}"] = pd.Series(values, dtype="float64")
    for name in names:
        values = [
            page.epochs[max(page.epochs)].metrics.get(name) if page.epochs else None
            for _, page in rows
        ]
        table[f"last/{name}"] = pd.Series(values, dtype="float64")
    if len(study.sweep.objectives) > 1:
        front = {known.id for known in study.front}
        table["front"] = pd.Series([known.id in front for known, _ in rows], dtype="bool")
    if any(metric.bounded for metric in study.sweep.outcomes):
        table["feasible"] = pd.Series([known.score.feasible for known, _ in rows], dtype="bool")
    table |= {
        "best_epoch": pd.Series([known.best_epoch or None for known, _ in rows], dtype="Int64"),
        "epochs": pd.Series([known.epoch for known, _ in rows], dtype="int64"),
        "seconds": pd.Series([page.seconds for _, page in rows], dtype="float64"),
        "attempts": pd.Series([known.attempts for known, _ in rows], dtype="int64"),
        "origin": _text(known.origin for known, _ in rows),
        "error": _text(
            (page.traceback or known.reason) if known.status is Status.FAILED else ""
            for known, page in rows
        ),
        "host": _text(page.host for _, page in rows),
        "device": _text(page.device for _, page in rows),
        "started": _times(page.started for _, page in rows),
        "ended": _times(
            None if known.status in (Status.RUNNING, Status.WAITING) else page.latest
            for known, page in rows
        ),
    }
    return pd.DataFrame(table)


def curves_table(results: Results) -> pd.DataFrame:
    """One row a trial and epoch, in that order."""
    names = metric_names(results)
    rows = [
        (known.id, number, epoch)
        for known, page in results.rows()
        for number, epoch in sorted(page.epochs.items())
    ]
    table: dict[str, Any] = {
        "trial": pd.Series([trial for trial, _, _ in rows], dtype="int64"),
        "epoch": pd.Series([number for _, number, _ in rows], dtype="int64"),
    }
    for name in names:
        values = [epoch.metrics.get(name) for _, _, epoch in rows]
        table[_column(name, names)] = pd.Series(values, dtype="float64")
    table["seconds"] = pd.Series([epoch.seconds for _, _, epoch in rows], dtype="float64")
    table["time"] = _times(epoch.time for _, _, epoch in rows)
    return pd.DataFrame(table)


def _column(name: str, names: list[str]) -> str:
    """A metric's own column, whatever others are called."""
    column = name
    while column in OWN or (column != name and column in names):
        column = f"metric/{column}"
    return column


def metric_names(results: Results) -> list[str]:
    """Every metric that was reported, the sweep's own first, then as they first came."""
    names = dict.fromkeys(metric.name for metric in results.sweep.outcomes)
    for _, page in results.rows():
        for epoch in page.epochs.values():
            names.update(dict.fromkeys(epoch.metrics))
    return list(names)


def _config(results: Results, name: str) -> pd.Series[Any]:
    """A column of the configuration; missing where `when` left the parameter out."""
    values = [known.config.get(name) for known in results.study.trials.values()]
    missing = any(name not in known.config for known in results.study.trials.values())
    match results.sweep.parameters[name]:
        case Int():
            return pd.Series(values, dtype="Int64" if missing else "int64")
        case Float():
            return pd.Series(values, dtype="float64")
        case Choice(values=choices):
            return _choices(choices, values, missing)
    return pd.Series([_plain(value) for value in values])


def _choices(choices: list[Any], values: list[Any], missing: bool) -> pd.Series[Any]:
    """Categories must be of one kind, and never None; choices of several are shown as JSON."""
    kinds = {float if type(choice) is int else type(choice) for choice in choices}
    if len(kinds) == 1 and kinds <= {float, str, bool}:
        return pd.Series(values, dtype=pd.CategoricalDtype(choices))
    words = [None if missing and value is None else json.dumps(value) for value in values]
    return pd.Series(words, dtype=pd.CategoricalDtype([json.dumps(c) for c in choices]))


def _plain(value: Any) -> Any:
    """Lists and mappings as text: a column needs values that can be compared."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def _text(values: Any) -> pd.Series[str]:
    return pd.Series([v.encode("utf-8", "replace").decode() for v in values], dtype="str")


def _times(seconds: Any) -> pd.Series[Any]:
    # In whole milliseconds, as the journal has them: a float of seconds is not exact in ns.
    milliseconds = [None if s is None or s != s else round(s * 1000) for s in seconds]
    return pd.to_datetime(pd.Series(milliseconds, dtype="Int64"), unit="ms", utc=True)
