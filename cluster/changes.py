"""What has changed in a sweep since its run began, and whether the run can go on with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..search.changing import CHANGEABLE, refused
from ..search.errors import Problem, SweepError
from ..search.results import Results
from ..search.runfolder import RunFolder
from ..search.sweep import Sweep
from ..search.sweepfile import FORMATS, load

COPIES = [f"sweep{suffix}" for suffix in FORMATS]  # what run.py calls a run folder's copy


def changes_on_disk(results: Results, file: Path | None = None) -> dict[str, Any]:
    """The allowed changes in the sweep file since the run began.

    Looks at `file`, or at the one that the run was started from, where it still lies; and at the
    run folder's copy; what has been changed otherwise since a file was written is left as it is.
    Errors: SweepError, if something changed that a run cannot go on with.
    """
    folder, now = results.folder, results.sweep
    header = folder.header()
    began = folder.sweep()
    changes: dict[str, Any] = {}
    problems: list[Problem] = []
    for path in _files(folder, header, file):
        edited = load(path, **header.get("given", {}))
        wrong = refused(began, edited)
        for key in differences(began, edited):
            whole = key.partition(".")[0]
            if whole in CHANGEABLE and key not in wrong:
                if results.ledger.changed.get(whole, 0.0) >= path.stat().st_mtime:
                    continue
                changes[whole] = edited.model_dump(include={whole})[whole]
            elif key not in ("name", "train"):
                problems.append(_refused(key, path, began, edited, wrong.get(key)))
    if problems:
        raise SweepError(problems, source=str(folder.path))
    current = now.model_dump(include=set(changes))
    return {key: value for key, value in changes.items() if current[key] != value}


def differences(a: Sweep, b: Sweep) -> list[str]:
    """The keys that differ; for parameters, `parameters.lr`."""
    keys = []
    for key, field in type(a).model_fields.items():
        if key == "parameters":
            names = dict.fromkeys((*a.parameters, *b.parameters))
            keys += [
                f"parameters.{name}"
                for name in names
                if a.parameters.get(name) != b.parameters.get(name)
            ]
        elif getattr(a, key) != getattr(b, key):
            keys.append(field.alias or key)
    return keys


def _files(folder: RunFolder, header: dict[str, Any], file: Path | None) -> Iterator[Path]:
    copy = header.get("copy")
    if isinstance(copy, str) and copy.lower() in COPIES and (folder.path / copy).is_file():
        yield folder.path / copy
    source = header.get("source")
    if file is not None:
        yield file
    elif isinstance(source, str) and Path(source).is_file():
        yield Path(source)


def _refused(key: str, path: Path, began: Sweep, edited: Sweep, why: str | None) -> Problem:
    why = why or f"a run can go on with other {', '.join(CHANGEABLE)}"
    message = (
        f"changed since the run began, in {path}: {_show(began, key)} became "
        f"{_show(edited, key)}; {why}. "
        f"Put {key} back, start a new run, or add --as-begun to go on without the changes"
    )
    return Problem(key=tuple(key.split(".")), message=message)


def _show(sweep: Sweep, key: str) -> str:
    first, _, name = key.partition(".")
    own: Any = getattr(sweep, first, None)  # what has another name in Python is shown as written
    value = sweep.model_dump()[first] if first in ("metric", "from") else own
    if name:
        value = value.get(name, "nothing")
    dump = getattr(value, "model_dump", None)
    shown = dump(exclude_none=True, exclude_defaults=True) if dump else value
    return str(shown)
