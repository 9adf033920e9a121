"""Reports from a program to the nightsweep that has started it.

    from nightsweep_report import report

    for epoch in range(1, epochs + 1):
        ...
        report(epoch=epoch, val_loss=loss)

One file, the standard library, Python 3.8 or newer: the program may live in an environment of its
own. Where nightsweep has not started it, `report` prints the line.
"""

from __future__ import annotations

import json
import os
import socket
from typing import Any

WHERE = "NIGHTSWEEP_REPORT"  # the name of a socket


class Stopped(SystemExit):
    """The trial ends here, or is paused: raised by `report`, it ends the program with code 0."""


def report(metrics: dict[str, Any] | None = None, **more: Any) -> None:
    """Report an epoch's metrics, numbers or tensors of one element, and wait for what to do.

    What is to be there when the trial goes on must be in $NIGHTSWEEP_CHECKPOINT before. Of several
    processes (torchrun) the first reports, the others return at once. Raises Stopped.
    """
    values = {**(metrics or {}), **more}
    plain = {name: v.item() if hasattr(v, "item") else v for name, v in values.items()}
    if os.environ.get("RANK", "0") != "0":
        return
    line = json.dumps(plain)
    name = os.environ.get(WHERE)
    if not name:
        print(line, flush=True)
        return
    if _answer(name, line) != "go":
        raise Stopped(0)


def _answer(name: str, line: str) -> str:
    """What nightsweep says to it; nothing if it is there no more."""
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect("\0" + name)
            link.sendall(line.encode() + b"\n")
            with link.makefile() as answer:
                return answer.readline().strip()
    except OSError:
        return ""
