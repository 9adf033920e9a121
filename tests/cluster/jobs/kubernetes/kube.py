"""A kubectl that talks to nobody: it notes what it is given, and answers what it was told to."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.jobs.site import Job
from nightsweep.search.sweep import Sweep

PROGRAM = """\
#!{python} -IS
import json, re, sys
from pathlib import Path
place = Path({place!r})
words = " ".join(sys.argv[1:])
applied = "--filename=-" in sys.argv
given = sys.stdin.read() if applied else ""
with (place / "asked").open("a") as asked:
    asked.write(json.dumps([words, given]) + "\\n")
file = place / "answers.json"
answers = json.loads(file.read_text())
for answer in answers:
    if answer["left"] and re.search(answer["to"], words):
        answer["left"] -= 1
        file.write_text(json.dumps(answers))
        print(answer["out"], end="")
        print(answer["err"], end="", file=sys.stderr)
        sys.exit(1 if answer["err"] else 0)
sys.exit("the test has no answer to " + words)
"""

ASKED = {
    "image": "team/digits:1",
    "runs": "/runs",
    "volumes": {"team-runs": "/runs"},
    "namespace": "research",
    "context": "lab",
}


class Kube:
    """The fake; `tell` says what it answers, the first that fits."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = place
        place.mkdir()
        (place / "answers.json").write_text("[]")
        (place / "asked").write_text("")
        program = place / "kubectl"
        program.write_text(PROGRAM.format(python=sys.executable, place=str(place)))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")

    def tell(self, to: str, out: Any = "", *, err: str = "", times: int = 1000) -> None:
        """Answer `out` (JSON, or text) to commands in which `to` is found."""
        file = self.place / "answers.json"
        text = out if isinstance(out, str) else json.dumps(out)
        answer = {"to": to, "out": text, "err": err, "left": times}
        file.write_text(json.dumps([*json.loads(file.read_text()), answer]))

    @property
    def asked(self) -> list[str]:
        """The commands so far, without the program's name."""
        return [words for words, _ in self._noted()]

    @property
    def applied(self) -> list[str]:
        """What was given on standard input."""
        return [given for _, given in self._noted() if given]

    def _noted(self) -> list[tuple[str, str]]:
        return [tuple(json.loads(line)) for line in (self.place / "asked").open()]


def job(folder: Path, asked: dict[str, Any] | None = None, **changes: Any) -> Job:
    """A job of a small sweep; `asked` for what `submit: {kubernetes: ...}` says beyond `ASKED`."""
    values: dict[str, Any] = {
        "name": "digits",
        "train": "fit.py:train",
        "metric": "loss",
        "parameters": {"lr": {"min": 0.0, "max": 1.0}},
        "submit": {"kubernetes": ASKED | (asked or {})},
    }
    sweep = Sweep(**values | changes.pop("sweep", {}))
    file = folder / "digits.yaml"
    if not file.exists():
        file.write_text("metric: loss\n")
    run = changes.pop("run", folder / "runs" / "digits-20261122-220000")
    return Job(sweep=sweep, file=file, run=run, asked=sweep.submit, **changes)
