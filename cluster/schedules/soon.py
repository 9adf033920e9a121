"""Whether a night is long enough for a sweep's first rung, as far as an earlier run tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...search.errors import NightsweepError
from ...search.pace import SLACK, Pace
from ...search.results import Results
from ...search.runfolder import RunFolder
from ...search.sweep import Sweep
from ...search.units import duration, plural
from .schedule import Schedule

LATEST = 20  # run folders that are looked into
BEGIN = 10.0  # seconds for Ray to start, at the least


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Seconds that an epoch took in an earlier run."""

    run: Path
    epoch: float


def refuse_short(schedule: Schedule, sweep: Sweep, known: Known | None) -> None:
    """Errors: NightsweepError if the first rung cannot end between `at` and `until`."""
    start = schedule.calendar.next(schedule.made)
    end = schedule.ends(start)
    if end is None or known is None:
        return
    ladder = sweep.scheduler.build(sweep.max_epochs).ladder()
    rung = min((step.epoch for step in ladder), default=sweep.max_epochs)
    needed = BEGIN + rung * known.epoch * SLACK
    if needed > end - start:
        enough = schedule.calendar.shown(start + needed + 60)
        one = duration(known.epoch) if known.epoch >= 10 else f"{known.epoch:.2g} s"
        raise NightsweepError(
            f"--until {schedule.until}: from {schedule.at} that is {duration(end - start)}, and "
            f"the first rung ({plural(rung, 'epoch')}) takes {duration(needed)}: an epoch took "
            f"{one} in {known.run}; write --until {enough:%H:%M} or later"
        )


def pace(file: Path, runs: Path) -> Known | None:
    """How long an epoch took in the latest run of a sweep file that has trained any."""
    newest = sorted(runs.glob("*/sweep.json"), key=_written, reverse=True)
    for path in newest[:LATEST]:
        try:
            folder = RunFolder.open(path.parent)
            if folder.header().get("source") != str(file.absolute()):
                continue
            seconds = _epoch(Results.load(path.parent))
        except NightsweepError:
            continue
        if seconds is not None:
            return Known(run=path.parent, epoch=seconds)
    return None


def _epoch(results: Results) -> float | None:
    pace = Pace()
    for known, page in results.rows():
        for epoch in page.epochs.values():
            pace.note(known.id, epoch.seconds)
    return pace.epoch(0)  # of no trial there is: what is usual


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
