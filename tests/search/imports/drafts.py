"""What a file of another tool becomes, with the files that lie beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nightsweep.search.imports.draft import Draft
from nightsweep.search.imports.recognise import reader, recognise
from nightsweep.search.imports.syne_tune import of_program
from nightsweep.search.imports.written import text
from nightsweep.search.sweep import Sweep
from nightsweep.search.sweepfile import load, read

FILES = Path(__file__).parent / "files"


def drafted(name: str) -> Draft:
    """Of a file in files/."""
    path = FILES / name
    if path.suffix == ".py":
        return of_program(path.read_text())
    given = read(path)[0]
    return reader(recognise(given))(given, lambda beside: read(FILES / beside)[0])


def of(values: dict[str, Any], form: str) -> Draft:
    """Of values, as a file would have them."""
    return reader(form)(values, lambda beside: read(FILES / beside)[0])


def written(draft: Draft, folder: Path) -> Sweep:
    """The sweep in the file that is written for it."""
    path = folder / "sweep.yaml"
    path.write_text(text(draft, "given.yaml"), encoding="utf-8")
    return load(path)


def notes(draft: Draft, key: str) -> str:
    """All that is said of a key."""
    return " ".join(note.text for note in draft.notes if note.key == key)
