"""Whether a job that has ended comes back by itself. Scripts of jobs ask it at their end:

python -m nightsweep.cluster.jobs.comeback RUN CODE     0: it comes back; 1: it does not

CODE is what `nightsweep run` exited with. Neither what is done, was refused or was stopped by hand
comes back, nor what has got nowhere again and again.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from ...search.errors import NightsweepError
from ...search.events import Closed
from ...search.journal import read
from ...search.runfolder import RunFolder
from ..exits import AT_ONCE, RESUME_ME
from ..supervise import Again, Standing, after, standing

BY_HAND = "stopped by hand"  # how a driver closes the journal after `nightsweep stop`
NOT_BACK = "it does not come back by itself: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """How the job stood when it ended before: what it had kept, and how often without more."""

    kept: int = 0
    deaths: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether it comes back, why in words, and what to remember."""

    back: bool
    why: str
    past: Past


def verdict(code: int, *, stopped: bool, now: Standing, past: Past) -> Verdict:
    """What follows from an exit code. `stopped`: by hand; `now`: what its journal says."""
    if stopped:
        return Verdict(back=False, why="it was stopped by hand", past=past)
    died = -1 if code in (RESUME_ME, AT_ONCE) else code  # asked to stop, though not by the user
    then = after(died, told=False, before=Standing(kept=past.kept), now=now, deaths=past.deaths)
    if isinstance(then, Again):
        why = "it goes on where it was, as soon as there is room for it again"
        return Verdict(back=True, why=why, past=Past(kept=now.kept, deaths=then.deaths))
    if not then.deaths:
        return Verdict(back=False, why="", past=past)
    times = f"{then.deaths} times in a row" if then.deaths > 1 else "once"
    why = f"it has ended {times} without any progress; when that is mended, submit it again"
    return Verdict(back=False, why=why, past=past)


def stop_file(run: Path) -> Path:
    """Lies there when a job was stopped by hand, until it is submitted again."""
    return RunFolder(run).job / "stop"


def past_file(run: Path) -> Path:
    """Where `Past` is kept between two lives of a job."""
    return RunFolder(run).job / "past.json"


def stopped(run: Path) -> bool:
    """Whether the user has stopped it, here or by `nightsweep stop`. Errors: JournalError."""
    if stop_file(run).exists():
        return True
    if not RunFolder(run).begun:
        return False
    last = [entry.event for entry in read(RunFolder(run).journal)][-1:]
    return any(isinstance(event, Closed) and event.reason == BY_HAND for event in last)


def _past(run: Path) -> Past:
    try:
        return Past(**json.loads(past_file(run).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Past()


def main(run: Path, code: int) -> int:
    """Decide, say it, and remember it."""
    try:
        found = verdict(code, stopped=stopped(run), now=standing(run), past=_past(run))
    except NightsweepError as error:
        print(f"nightsweep: {NOT_BACK}{error}")
        return 1
    if found.why:
        print(f"nightsweep: {'' if found.back else NOT_BACK}{found.why}")
    past_file(run).write_text(json.dumps(asdict(found.past)) + "\n", encoding="utf-8")
    return 0 if found.back else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
