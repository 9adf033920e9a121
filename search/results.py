"""What came of a sweep, in pandas: read from a run folder, without Ray, at any time.

results = Results.load("runs/digits-...")
results.trials     one row a trial
results.curves     one row a trial and epoch
results.best       the best configuration
print(results.summary())
"""

from __future__ import annotations

import contextlib
import gc
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import journal
from .audit import audit
from .budget import Budget, budgets
from .events import finite_or_text
from .ledger import Ledger, Page
from .meter import Meter
from .notes import notes
from .order import follow
from .record import Record, Status
from .runfolder import RunFolder, write_whole
from .signature import label, signature
from .space import Config
from .study import Study

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best trial: by the best value of the sweep's metric at any of its epochs.

    `metrics` are those of that `epoch`; `checkpoint` is the latest kept, or None. With several
    objectives `value` is that of the first, and the epoch the trial's last. `feasible`: it meets
    the constraints on metrics.
    """

    trial: int
    config: Config
    epoch: int
    value: float
    metrics: dict[str, float]
    checkpoint: Path | None
    feasible: bool = True

    def as_json(self) -> dict[str, Any]:
        """For scripts; numbers that JSON lacks are words."""
        return {
            "trial": self.trial,
            "epoch": self.epoch,
            "value": self.value,
            "config": self.config,
            "metrics": finite_or_text(self.metrics),
            "checkpoint": str(self.checkpoint) if self.checkpoint else None,
        }


class Results:
    """A study and its ledger as tables. `load` makes one from a run folder."""

    def __init__(self, folder: RunFolder, study: Study, ledger: Ledger) -> None:
        self.folder = folder
        self.study = study
        self.ledger = ledger
        self.sweep = study.sweep

    @classmethod
    def load(cls, run: str | Path) -> Results:
        """The results of a run so far. Errors: RunFolderError, JournalError."""
        folder = RunFolder.open(Path(run))
        study, path = Study(folder.sweep()), str(folder.journal)
        ledger = Ledger(meter=Meter(gpus=study.sweep.resources.most_gpus))
        with _no_collector():
            for line, entry in enumerate(journal.read(folder.journal), start=1):
                ledger.add(entry.time, entry.event)
                follow(study.state, entry.event, f"{path}:{line}")
        return cls(folder, study, ledger)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row a trial; `config/<name>` columns; `best/` and `last/` of each metric."""
        from .tables import trials_table

        return trials_table(self)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """One row a trial and epoch, every metric; where an epoch was repeated, the last try."""
        from .tables import curves_table

        return curves_table(self)

    @property
    def best(self) -> Best | None:
        """The best trial; None while no trial has reported a finite value."""
        return self._best(self.study.best) if self.study.best else None

    @cached_property
    def front(self) -> pd.DataFrame:
        """The rows of `trials` that none dominates, by the first objective; of one, the best."""
        order = [known.id for known in self.study.front]
        return self.trials.set_index("trial", drop=False).loc[order].reset_index(drop=True)

    @property
    def leaders(self) -> list[Best]:
        """The trials of the front, by the first objective; of one objective, the best alone."""
        return [self._best(known) for known in self.study.front]

    def _best(self, leader: Record) -> Best:
        kept = self.folder.trial(leader.id) / f"epoch-{leader.saved}"
        return Best(
            trial=leader.id,
            config=leader.config,
            epoch=leader.best_epoch,
            value=leader.best,
            metrics=leader.best_metrics,
            checkpoint=kept if leader.saved and kept.is_dir() and not kept.is_symlink() else None,
            feasible=leader.score.feasible,
        )

    @property
    def failures(self) -> dict[str, list[int]]:
        """Why trials failed, most common first, and which: `{"raised ValueError": [3, 9]}`.

        Failures that differ in figures alone are together, in the words of the first.
        """
        alike: dict[str, list[int]] = {}
        for known, page in self.rows():
            if known.status is Status.FAILED:
                alike.setdefault(signature(known.reason, page.traceback), []).append(known.id)
        groups = sorted(alike.values(), key=lambda trials: -len(trials))
        return {self._failure(trials[0]): trials for trials in groups}

    def _failure(self, trial: int) -> str:
        return label(self.study.trials[trial].reason, self.ledger.pages[trial].traceback)

    def status(self, known: Record) -> Status:
        """A trial's status; one paused in a sweep that is done is stopped: nobody will ask."""
        return self.ledger.status(known)

    @property
    def counts(self) -> Counter[Status]:
        """How many trials there are of each status."""
        return Counter(self.status(known) for known in self.study.trials.values())

    def rows(self) -> Iterator[tuple[Record, Page]]:
        """Each trial's two halves, by trial."""
        for number, known in self.study.trials.items():
            yield known, self.ledger.pages[number]

    def budgets(self, now: float | None = None) -> list[Budget]:
        """What the sweep's budgets have left, by `now` if a driver is at work."""
        return budgets(self.study, self.ledger.spent(now))

    @property
    def notes(self) -> list[str]:
        """What else people should know: a start of its schedule that was missed, say."""
        return notes(self.folder)

    def summary(self) -> str:
        """What happened, in a few plain sentences."""
        from .summary import summary

        return summary(self)

    def as_json(self) -> dict[str, Any]:
        """The summary for scripts: counts, best, folder, how the run ended."""
        best = self.best
        return {
            "run": str(self.folder.path),
            "name": self.sweep.name,
            "done": self.ledger.done,
            "ended_because": self.ledger.ended_because,
            "searched_seconds": round(self.ledger.searched, 3),
            "budgets": {budget.key: budget.left for budget in self.budgets()},
            "trials": dict(self.counts),
            "epochs": self.study.trained,
            "metric": self.sweep.metric.model_dump(),
            "failures": self.failures,
            "audit": [asdict(rung) for rung in audit(self.study)],
            "best": best and best.as_json(),
            "notes": self.notes,
            **self._several(),
        }

    def _several(self) -> dict[str, Any]:
        """What the summary says more where several metrics matter."""
        if len(self.sweep.outcomes) == 1:
            return {}
        return {
            "metrics": [metric.model_dump() for metric in self.sweep.outcomes],
            "feasible": self.best is not None and self.best.feasible,
            "front": [leader.as_json() for leader in self.leaders],
        }

    def write(self) -> list[Path]:
        """Write both tables as CSV and Parquet beside the journal; each file at once."""
        paths = []
        for name, table in (("trials", self.trials), ("curves", self.curves)):
            csv, parquet = self.folder.table(name, "csv"), self.folder.table(name, "parquet")
            write_whole(csv, lambda path, table=table: table.to_csv(path, index=False))  # type: ignore[misc]
            write_whole(parquet, lambda path, table=table: table.to_parquet(path, index=False))  # type: ignore[misc]
            paths += [csv, parquet]
        return paths


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Without garbage collection, which would walk again and again through all that is read."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
