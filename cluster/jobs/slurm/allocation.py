"""What a job asks of Slurm: the #SBATCH lines of its script, and the script itself."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from ....search.errors import NightsweepError
from ....search.results import Results
from ....search.runfolder import RunFolder
from ....search.sites import Slurm
from ....search.sweep import Sweep
from ....search.units import duration
from ...capacity import room
from ..site import Job

BODY = Path(__file__).with_name("body.sh")
START = 60.0  # seconds that Ray and the driver may take until the first epoch begins
MIB = 1024**2
HEAD = "# nightsweep: one sweep on the nodes of one allocation. Submitted again it goes on.\n"
WHY = {  # above these lines
    "--open-mode": "It may be started several times; the output of all lies in one file.",
    "--ntasks-per-node": "One Ray on each node, with all CPUs and GPUs that the job has there.",
    "--signal": "So many seconds before the time limit this script is told, saves, and requeues.",
    "--requeue": "It begins again after preemption, or when its first node is lost;",
    "--no-kill": "it goes on without any other node that is lost.",
}


def script(job: Job) -> str:
    """The sbatch script. Errors: NightsweepError where it could come to nothing."""
    asked = job.asked.slurm
    refuse(job.sweep, asked, usual_epoch(job.run))
    setup = "".join(f"{line}\n" for line in asked.setup)
    names = {"run": str(job.run), "job": str(job.place), "python": sys.executable}
    values = "".join(f"{name}={shlex.quote(value)}\n" for name, value in names.items())
    return (
        f"#!/bin/bash\n{HEAD}{''.join(_commented(line) for line in options(job))}\n"
        f"{setup}{values}sweep=({job.command()})\n\n{BODY.read_text(encoding='utf-8')}"
    )


def _commented(line: str) -> str:
    why = WHY.get(line.partition("=")[0], "")
    return f"{f'# {why}{chr(10)}' if why else ''}#SBATCH {line}\n"


def options(job: Job) -> Iterator[str]:
    """Of sbatch, one a line; what the sweep file says verbatim comes last, and wins."""
    asked = job.asked.slurm
    yield _line("--job-name", job.name)
    yield _line("--chdir", str(job.folder))
    yield _line("--output", str(job.place / "output.log").replace("%", "%%"))
    yield "--open-mode=append"
    yield f"--nodes={asked.nodes}"
    yield "--ntasks-per-node=1"
    yield f"--cpus-per-task={cpus(job.sweep, asked)}"
    if count(asked.gpus):
        yield _line("--gres", f"gpu:{asked.gpus}")
    if asked.memory is not None:
        yield f"--mem={math.ceil(asked.memory / MIB)}M"
    if asked.time is not None:
        yield f"--time={_clock(asked.time)}"
    for name, value in (
        ("--partition", asked.partition),
        ("--account", asked.account),
        ("--qos", asked.qos),
        ("--begin", job.begin),
    ):
        if value:
            yield _line(name, value)
    yield f"--signal=B:TERM@{math.ceil(asked.grace)}"
    yield "--requeue"
    yield "--no-kill"
    for option in asked.options:
        if not option.startswith("-") or "\n" in option:
            raise NightsweepError(
                f"submit.slurm.options: {option!r} is no option of sbatch; write --constraint=a100"
            )
        yield option


def cpus(sweep: Sweep, asked: Slurm) -> int:
    """CPUs of each node: as asked, or as many as the trials need that run there at once.

    Those are the sweep's slots, or as many as have room on the GPUs, or one.
    """
    if asked.cpus is not None:
        return asked.cpus
    needs, gpus = sweep.resources, sweep.resources.most_gpus
    if sweep.slots:
        trials = math.ceil(sweep.slots / asked.nodes)
    elif gpus and count(asked.gpus):
        on_gpus = needs.model_copy(update={"cpus": 0, "gpus": gpus})
        trials = room([{"GPU": count(asked.gpus)}], on_gpus)
    else:
        trials = 1
    return max(1, math.ceil(trials * needs.cpus))


def count(gpus: int | str) -> int:
    """How many GPUs `4` or `a100:4` are. Errors: NightsweepError."""
    try:
        return int(str(gpus).rpartition(":")[2])
    except ValueError:
        raise NightsweepError(
            f"submit.slurm.gpus: {gpus!r} is no number of GPUs; write 4, or a100:4"
        ) from None


def refuse(sweep: Sweep, asked: Slurm, epoch: float | None) -> None:
    """Errors: NightsweepError where no epoch could come to its end. `epoch`: usual seconds."""
    elsewhere = any("gpu" in option or "gres" in option for option in asked.options)
    if sweep.resources.most_gpus and not count(asked.gpus) and not elsewhere:
        raise NightsweepError(
            f"each trial asks for {sweep.resources}, and submit.slurm.gpus is 0: no node would "
            "have one; write how many each node is to have, gpus: 4 or gpus: a100:4"
        )
    if asked.time is None:
        return
    left = asked.time - START - asked.grace
    if left <= 0:
        raise NightsweepError(
            f"submit.slurm.time: {duration(asked.time)} is too short: up to {duration(START)} go "
            f"until the first epoch begins, and {duration(asked.grace)} before the limit (grace) "
            "trials are saved already; give it more time, or a shorter grace"
        )
    if epoch is not None and epoch > left:
        raise NightsweepError(
            f"submit.slurm.time: an epoch of this run takes {duration(epoch)}, and of "
            f"{duration(asked.time)} only {duration(left)} are left for training (start "
            f"{duration(START)}, grace {duration(asked.grace)}): no epoch would come to its end; "
            "give it more time"
        )


def usual_epoch(run: Path) -> float | None:
    """Seconds that an epoch has taken in this run so far; None where nothing is known."""
    if not RunFolder(run).begun:
        return None
    pages = Results.load(run).ledger.pages.values()
    known = [
        epoch.seconds
        for page in pages
        for epoch in page.epochs.values()
        if epoch.seconds is not None
    ]
    return median(known) if known else None


def _line(name: str, value: str) -> str:
    if "\n" in value:
        raise NightsweepError(f"{name} of sbatch cannot be {value!r}: it has two lines")
    return f"{name}={shlex.quote(value)}"


def _clock(seconds: float) -> str:
    """As Slurm has it: hours, minutes and seconds; it rounds up to minutes."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"
