"""What a slot is told, and what it is doing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..search.runfolder import RunFolder
from ..search.study import Study, Trial
from ..trainables.job import Answer, Job


@dataclass(frozen=True, slots=True)
class Halt:
    """Save the trial at its next report, and wait there; not `wanted`: no need to any more."""

    wanted: bool = True


Order = Job | Answer | Halt


@dataclass(slots=True)
class Work:
    """What a slot is doing: its trial, and whether it has been heard of and told to halt."""

    trial: int
    alone: bool = False
    heard: bool = False
    halting: bool = False
    saving: bool = False  # it stood still when it was told, and saves itself next if it can
    stays: bool = False  # its slot is to end, but it cannot be saved
    divides: bool = False  # its training function takes batches in parts
    waits: str = ""  # what it waits for, other than the driver


def job(study: Study, trial: Trial, folder: RunFolder) -> Job:
    """A trial as its worker needs to know it."""
    sweep = study.sweep
    return Job(
        trial=trial.id,
        config=trial.config,
        epoch=trial.epoch,
        until=trial.until,
        max_epochs=sweep.max_epochs,
        metrics=tuple(metric.name for metric in sweep.outcomes),
        seed=int(np.random.SeedSequence([sweep.seed, trial.id]).generate_state(1)[0]),
        folder=folder.trial(trial.id),
        attempt=study.trials[trial.id].attempts,
        split=trial.split,
        alone=trial.alone,
        gpus=sweep.resources.most_gpus,
        cpus=max(int(sweep.resources.cpus), 1),
        processes=sweep.resources.processes,
        pauses=sweep.scheduler.pauses,
    )
