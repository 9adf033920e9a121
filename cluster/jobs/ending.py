"""What the exit code of a job's command says; the script of a job leaves it in job/exit."""

from __future__ import annotations

from pathlib import Path

from ...search.errors import JournalError
from ...search.runfolder import RunFolder
from ..exits import AT_ONCE, BAD_INPUT, CLUSTER_DOWN, DONE, NOTHING_FOUND, RESUME_ME
from ..supervise import standing as journalled
from .site import Standing, State


def exit_file(run: Path) -> Path:
    """Where the exit code lies."""
    return RunFolder(run).job / "exit"


def ended(run: Path) -> Standing:
    """How a job stands that is not at its site any more, by what it has left."""
    try:
        code = int(exit_file(run).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        if _done(run):
            return Standing(state=State.DONE)
        return Standing(state=State.GONE, detail="it has left no exit code")
    return ending(code, done=code == NOTHING_FOUND and _done(run))


def ending(code: int, *, done: bool = False) -> Standing:
    """How a job stands after its command ended. `done`: whether its journal says so."""
    match code:
        case _ if code == DONE:
            return Standing(state=State.DONE, code=code)
        case _ if code == NOTHING_FOUND and done:
            detail = "no trial has reported a finite value"
            return Standing(state=State.DONE, detail=detail, code=code)
        case _ if code == BAD_INPUT:
            return Standing(state=State.FAILED, detail="refused: its log says why", code=code)
        case _ if code == CLUSTER_DOWN:
            return Standing(state=State.FAILED, detail="its cluster was down", code=code)
        case _ if code in (RESUME_ME, AT_ONCE):
            detail = "nightsweep submit goes on with it"
            return Standing(state=State.STOPPED, detail=detail, code=code)
    detail = f"exit code {code}: its log says why"
    return Standing(state=State.FAILED, detail=detail, code=code)


def _done(run: Path) -> bool:
    try:
        return journalled(run).done
    except JournalError:
        return False
