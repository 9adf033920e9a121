"""How a program ended, in one sentence that says what to do. Nothing here but words."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from ...search.brief import brief
from ...search.nearest import did_you_mean
from .. import memory
from ..failure import ProgramError

TOLD = 300  # letters of a program's own words in a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """`code`: minus the signal where one killed it. `left`: processes it had left behind."""

    code: int
    left: int = 0


def failed(ended: Exit, epoch: int, errors: Sequence[str]) -> ProgramError | None:
    """What to say of a program that ended by itself after `epoch` epochs; None if all is well.

    `errors`: the last lines on its standard error.
    """
    if not ended.code:
        return None
    last = next((line.strip() for line in reversed(errors) if line.strip()), "")
    when = f" after epoch {epoch}" if epoch else ""
    output = "\n".join(errors)
    short = memory.shortage(MemoryError() if last == "MemoryError" else RuntimeError(last))
    if short is not None:
        return ProgramError(memory.words(short), output, short=True)
    said = f": {last[:TOLD]}" if last else ""
    if ended.code > 0:
        return ProgramError(f"exited with code {ended.code}{when}{said}", output)
    number = -ended.code
    name = signal.strsignal(number) or "unknown"
    hint = ", as the kernel does when memory runs out" if number == signal.SIGKILL else ""
    return ProgramError(f"was killed by signal {number} ({name}){when}{hint}{said}", output)


def silent(
    ended: Exit, metrics: Sequence[str], *, names: Sequence[str], broken: str, astray: str
) -> ProgramError:
    """What to say of a program that ended well and has reported nothing. `names`: those in lines
    that held none of the sweep's metrics; `broken`: a line that was no JSON; `astray`: a report
    on its standard error."""
    wanted = ", ".join(metrics)
    if astray:
        why = f"its line {brief(astray)} went to standard error; print it to standard output"
    elif names:
        why = f"it printed {did_you_mean(metrics[0], list(names))}"
    elif broken:
        why = (
            f"its line {brief(broken)} is no JSON (all of it on one line, nothing else there, "
            "names in double quotes)"
        )
    elif ended.left:
        why = "what it had left in the background was ended: it must stay until all is done"
    else:
        example = ", ".join(f'"{name}": 0.5' for name in metrics)
        why = f'print a line such as {{"epoch": 1, {example}}} each epoch'
    return ProgramError(f"exited with code 0 and never reported {wanted}; {why}")


def unstarted(number: int, program: str) -> str:
    """Why a program could not be started, from the number of the system's error."""
    if os.strerror(number) == "Exec format error":
        return f"{program} is no program: its first line must say what runs it, as in #!/bin/sh"
    return f"{program} cannot be started: {os.strerror(number)}"
