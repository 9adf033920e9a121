"""Slurm: a sweep as one batch job, with a Ray of its own inside the allocation."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ....search.errors import ClusterDownError, NightsweepError
from ....search.runfolder import RunFolder, write_whole
from ....search.sites import SiteName
from ..comeback import past_file, stop_file
from ..command import Answer, Ask, MissingError, ask
from ..ending import ended, exit_file
from ..site import ALIVE, STOPPING, Job, Standing, State
from ..tail import tail
from .allocation import script

WAITING = ("PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT")
ENDED = {
    "COMPLETED": State.DONE,
    "CANCELLED": State.STOPPED,
    "FAILED": State.FAILED,
    "TIMEOUT": State.FAILED,
    "NODE_FAIL": State.FAILED,
    "BOOT_FAIL": State.FAILED,
    "DEADLINE": State.FAILED,
    "OUT_OF_MEMORY": State.FAILED,
    "PREEMPTED": State.FAILED,
}
SELDOM = 17  # looks into the output for one question to Slurm's controller, which has many users
HERE = "Slurm is spoken to from a login node of its cluster"


class SlurmSite:
    """`nightsweep submit --to slurm`. `ask`: runs Slurm's commands."""

    name: SiteName = "slurm"

    def __init__(self, ask: Ask = ask) -> None:
        self._ask = ask

    def text(self, job: Job) -> str:
        """The sbatch script; Slurm is asked whether it would take it, if it is here."""
        text = script(job)
        with contextlib.suppress(MissingError):
            self._sbatch(job, ["--test-only"], send=text)
        return text

    def submit(self, job: Job) -> str:
        """Write the script, and submit it. Slurm's number of the job."""
        text = self.text(job)
        path = job.place / "sweep.sbatch"
        job.place.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda aside: aside.write_text(text, encoding="utf-8"))
        for old in (exit_file, stop_file, past_file):
            old(job.run).unlink(missing_ok=True)
        return self._sbatch(job, ["--parsable", str(path)]).out.strip().partition(";")[0]

    def standing(self, run: Path, id: str) -> Standing:
        """As the queue says; of a job that has left it, what it or Slurm's records say."""
        words = ["squeue", "--noheader", "--states=all", f"--jobs={id}", "--format=%T|%r|%S|%N"]
        answer = self._told(words)
        if answer.code and "Invalid job id" not in answer.err:
            raise ClusterDownError(f"Slurm does not say how job {id} stands: {said(answer)}")
        state, reason, start, nodes = (answer.out.strip() or "|||").splitlines()[0].split("|", 3)
        if state and state not in ENDED:
            now = queued(state, reason, start, nodes)
            ends = now.state is State.RUNNING and stop_file(run).exists()
            return replace(now, detail=STOPPING) if ends else now
        left = ended(run)
        if left.state is not State.GONE:
            return left
        return recorded(state) if state else self._remembered(id) or left

    def logs(self, run: Path, id: str, *, follow: bool) -> Iterator[str]:
        """Its output, of all its allocations."""
        alive = self._alive(run, id) if follow else lambda: False
        return tail(RunFolder(run).job / "output.log", alive=alive)

    def stop(self, run: Path, id: str) -> str:
        """Take it out of the queue, or have its driver save its trials and end."""
        stop_file(run).touch()
        if self.standing(run, id).state is State.WAITING:
            self._do("scancel", id)
            return f"job {id} is out of Slurm's queue"
        self._do("scancel", "--batch", "--signal=TERM", id)
        return f"job {id} saves its trials and ends"

    def fetch(self, run: Path, id: str) -> str:
        """Nothing to do."""
        return f"{run} is shared with the nodes: all that there is lies there already"

    def _alive(self, run: Path, id: str) -> Callable[[], bool]:
        looks = itertools.count()
        alive = True

        def look() -> bool:
            nonlocal alive
            if next(looks) % SELDOM == 0 or exit_file(run).exists():
                alive = self.standing(run, id).state in ALIVE
            return alive

        return look

    def _remembered(self, id: str) -> Standing | None:
        """What accounting says, where there is any."""
        words = ["sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={id}"]
        with contextlib.suppress(MissingError):
            answer = self._told([*words, "--format=State"])
            if not answer.code and answer.out.strip():
                return recorded(answer.out.strip().splitlines()[-1])
        return None

    def _sbatch(self, job: Job, words: list[str], send: str = "") -> Answer:
        answer = self._told(["sbatch", *words], send)
        if answer.code:
            offer = "" if "option" in answer.err else self._offer(job)
            raise NightsweepError(f"Slurm does not take it: {said(answer)}{offer}")
        return answer

    def _offer(self, job: Job) -> str:
        """Which partitions there are, or what the one has that was asked for."""
        known = self._told(["sinfo", "--noheader", "--format=%R %D %c %m %G %l"]).out
        rows = [row for line in known.splitlines() if len(row := line.split()) == 6]
        asked = job.asked.slurm.partition
        if asked is not None and asked not in (row[0] for row in rows):
            names = dict.fromkeys(row[0] for row in rows)
            return f"; there is no partition {asked}, but {', '.join(names)}" if names else ""
        return "".join(
            f"; partition {name} has {nodes} nodes with {cpus} CPUs, {memory} MB and "
            f"{'no GPU' if gpus == '(null)' else gpus}, for {time} at most"
            for name, nodes, cpus, memory, gpus, time in rows
            if asked in (None, name)
        )

    def _do(self, *words: str) -> None:
        answer = self._told(words)
        if answer.code:
            raise NightsweepError(f"{words[0]}: {said(answer)}")

    def _told(self, words: Sequence[str], send: str = "") -> Answer:
        try:
            return self._ask(words, send)
        except MissingError as error:
            raise MissingError(f"{error}; {HERE}") from None


def queued(state: str, reason: str, start: str, nodes: str) -> Standing:
    """What a line of squeue says: `PENDING|Resources|2026-11-22T23:10:00|`."""
    if state not in WAITING:
        return Standing(state=State.RUNNING, detail=f"on {nodes}" if nodes else state.lower())
    when = re.fullmatch(r"(\d+-\d+-\d+)T(\d+:\d+):\d+", start)
    if when is None:
        return Standing(state=State.WAITING, detail=reason)
    word = "not before" if reason == "BeginTime" else "expected"
    return Standing(state=State.WAITING, detail=f"{reason}, {word} {when[1]} {when[2]}")


def recorded(said: str) -> Standing:
    """What Slurm's records say of a job that has ended: `CANCELLED by 1000`."""
    return Standing(state=ENDED.get(said.split()[0], State.FAILED), detail=f"Slurm says {said}")


def said(answer: Answer) -> str:
    """Slurm's own words: the last of them first, without the names of its programs."""
    text = answer.err.strip() or answer.out.strip() or f"exit code {answer.code}"
    lines = [re.sub(r"^\w+: (error: )?", "", line).strip() for line in text.splitlines()]
    last, *others = dict.fromkeys(line for line in reversed(lines) if "--help" not in line)
    return f"{last} ({'; '.join(others)})" if others else last
