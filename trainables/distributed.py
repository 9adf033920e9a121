"""Several processes for one trial: `nightsweep.distributed(train, config, trial, processes=2)`.

As torchrun does, it starts the same function several times, with the environment that
`torch.distributed.init_process_group()` and every framework on it look for. Unlike torchrun's,
these processes have a trial: what the first of them reports counts, and the decision reaches all
at the same epoch.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import cloudpickle  # functions of notebooks, and closures, have to travel too

from . import checkpoint
from .job import Config, Job
from .rank import Asks, Go, Member, Met, Start
from .ranks import RankError, Ranks
from .trial import Halted, Trial


def distributed(
    train: Callable[[Config, Trial], Any],
    config: Config,
    trial: Trial,
    processes: int | None = None,
    timeout: float = 1800.0,
) -> None:
    """Run `train(config, trial)` in several processes of this host, each a rank.

    Args:
        train: Calls `torch.distributed.init_process_group()` itself, or a framework that does.
        trial: This one; each process gets one of its own, which goes on and ends with the others'.
        processes: How many; without it, one for each GPU of the trial, or for each CPU.
        timeout: Seconds that processes may come to an epoch's end after the first of them.

    Rank 0 reports; the others may, which changes nothing. In `trial.epochs()` all wait for one
    another when an epoch ends; without it all have to report each epoch. Rank 0 saves what it
    keeps, and all load it; each has its random generators back. All begin with the trial's seed:
    what is to differ (dropout, augmentation) is seeded with `trial.seed + rank`.
    Errors: ValueError for a number of processes that cannot be, or in one of them; RankError,
    which names the rank, if one of them fails, dies, or does not come.
    """
    with Ranks(_starts(train, config, trial, processes), trial._link.send, timeout) as ranks:
        while said := ranks.hear():
            if all(isinstance(one, Asks) for one in said.values()):
                ranks.tell(trial.saving, said)
            else:
                _decide(trial, ranks, said)


def _decide(trial: Trial, ranks: Ranks, said: Mapping[int, Any]) -> None:
    """All have come to an epoch's end: report it, and tell them what was decided."""
    if odd := [rank for rank, one in said.items() if not isinstance(one, Met)]:
        raise RankError(f"rank {odd[0]} of {ranks.count} is not where the others are")
    met: dict[int, Met] = dict(said)
    waiting = [rank for rank, one in met.items() if not one.last]
    ranks.agree({rank: one.epoch for rank, one in met.items() if one.metrics is not None})
    first = met.get(0)
    if first is not None and first.metrics is not None and not trial.halted:

        def save(epoch: int) -> bool:
            if first.keeps:
                _all_keep(met, ranks.count)
                checkpoint.put(trial.folder, epoch, lambda folder: ranks.save(folder, waiting))
            return first.keeps

        with contextlib.suppress(Halted):
            trial.report_saving(first.metrics, save, epoch=first.epoch, last=first.last)
    halted = trial.halted or first is None or first.last
    ranks.tell(Go(trial.epoch, halted), waiting)


def _all_keep(met: Mapping[int, Met], count: int) -> None:
    """Errors: RankError if some have nothing to keep, and so could not go on."""
    bare = [rank for rank, one in met.items() if not (one.keeps or one.last)]
    if bare:
        raise RankError(
            f"rank {bare[0]} of {count} keeps nothing, and rank 0 does; call trial.keep(...) in "
            "each process: rank 0 saves, and all have to load it"
        )


def _starts(
    train: Callable[[Config, Trial], Any], config: Config, trial: Trial, processes: int | None
) -> list[Start]:
    """What each process begins with. Errors: ValueError."""
    if isinstance(trial, Member):
        raise ValueError(
            f"this is one of {trial.processes} processes of its trial already (resources: "
            "{processes: ...}, or nightsweep.distributed); start them once"
        )
    count = _count(trial, processes)
    cpus = max(trial.cpus // count, 1)
    job: Job = replace(trial._job, config=config, epoch=trial.epoch, cpus=cpus, processes=count)
    name = getattr(train, "__module__", "") or ""
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    own = "." not in name and name != "__main__" and file.endswith(".py")
    return [
        Start(
            job=job,
            rank=rank,
            module=name,
            file=file if own else "",
            function=cloudpickle.dumps(train),
        )
        for rank in range(count)
    ]


def _count(trial: Trial, processes: int | None) -> int:
    gpus = 0
    if trial.device == "cuda":
        import torch

        gpus = torch.cuda.device_count()
    count = (gpus or trial.cpus) if processes is None else processes
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"processes must be a whole number of at least 1, not {processes!r}")
    if gpus and count > gpus:
        raise ValueError(
            f"{count} processes need a GPU each, and the trial has {gpus}; give it more with "
            f"resources: {{gpus: {count}}}"
        )
    return count
