"""`nightsweep import`: a sweep of another tool as a sweep file of ours."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..search.errors import Problem, RunFolderError, SweepError, TrainingFunctionError
from .console import visible

if TYPE_CHECKING:
    from ..search.imports.draft import Draft

NAME = "nightsweep.yaml"
OBJECTIVE = re.compile(r"(.+)\.py:\w+(\.\w+)*")

Key = tuple[str | int, ...]


def add_to(app: typer.Typer) -> None:
    """Put the command into the command line."""
    app.command(name="import")(import_)


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="Of W&B, Determined, Katib, NNI, Hydra or Syne Tune; file.py:objective of Optuna."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help=f"What to write; {NAME} beside FILE without it.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="wandb, determined, katib, nni, hydra or syne-tune, where it cannot be told.",
        ),
    ] = None,
) -> None:
    """Write a sweep file from a sweep of another tool, and say what changes."""
    from ..search.imports.written import text
    from ..search.runfolder import write_whole

    path = out or file.parent / NAME
    made = drafted(file, form)
    key = next((key for key in ("command", "train") if key in made.values), None)
    if key and path.parent.absolute() != file.parent.absolute():
        made.note(key, f"paths in it are relative to {path.parent}, where it is written to")
    _check_place(path)
    said = text(made, file.name)
    write_whole(path, lambda aside: aside.write_text(said, encoding="utf-8"))
    for note in made.notes:
        print(visible(str(note)), file=sys.stderr)
    print(f"wrote {path}; {_next(made, path)}")


def _check_place(path: Path) -> None:
    """Errors: RunFolderError, where the file cannot be written, or not be read again."""
    if path.suffix not in (".yaml", ".yml"):
        raise RunFolderError(f"{path} is to be YAML; name it so: --out {path.stem or 'mine'}.yaml")
    if path.exists() or path.is_symlink():
        raise RunFolderError(f"{path} exists already; name another file: --out mine.yaml")
    if not path.parent.is_dir():
        raise RunFolderError(f"{path.parent} is no folder; make it first")


def _next(made: Draft, path: Path) -> str:
    """What to do with it."""
    if made.example:
        return f"put in what trains there, then: nightsweep check {path}"
    return f"what it means: nightsweep check {path}"


def drafted(file: Path, form: str | None = None) -> Draft:
    """What a file becomes: a draft that is a sweep. Errors: SweepError."""
    from ..search.sweepfile import name_of

    objective = OBJECTIVE.fullmatch(file.name)
    made = _asked(file) if objective else _read(file, form)
    made.values.setdefault("name", name_of(objective[1] if objective else file.stem))
    _check(made, file)
    return made


def _read(file: Path, form: str | None) -> Draft:
    """Errors: SweepError, with the line where there is one."""
    from ..search.imports import syne_tune
    from ..search.imports.recognise import reader, recognise
    from ..search.sweepfile import FORMATS, read, text

    lines: dict[Key, int] = {}
    try:
        if file.suffix == ".py":
            return syne_tune.of_program(text(file, (*FORMATS, ".py")))
        given, lines = read(file)
        chosen = reader(form or recognise(given))
        return chosen(given, lambda name: read(file.parent / name)[0])
    except SweepError as error:
        if error.source != SweepError([]).source:  # a file was named, and why it cannot be read
            raise
        raise SweepError(
            [_found(problem, lines) for problem in error.problems], str(file)
        ) from None


def _asked(file: Path) -> Draft:
    """Of an objective of Optuna's, whose beginning runs a few times in a process of its own.

    Errors: TrainingFunctionError.
    """
    from ..search.imports.draft import GUESS, Draft
    from ..search.space import Choice, Float, Int
    from ..trainables.function import Kind, kind_of, load
    from .optimize import asked_by

    objective = load(file.name, file.parent)
    if kind_of(objective) is not Kind.OBJECTIVE:
        raise TrainingFunctionError(f"{file} is no objective: its only parameter must be trial")
    found = asked_by(objective)
    made = Draft("Optuna", values={"train": file.name})
    for name, value in found.parameters.items():
        ranged = isinstance(value, Float | Int | Choice)
        raw = value.model_dump(mode="json", exclude_defaults=True) if ranged else value
        made.parameters[name] = raw
    made.values |= {"metric": {"name": "value", "goal": "minimize"}, "sampler": "tpe"}
    made.note("metric", "the study has the direction: change it to maximize where that does")
    if found.reports is False:
        made.values["max_epochs"] = 1
        made.note("max_epochs", "it reports nothing before its end, so nothing is stopped early")
    else:
        made.values["max_epochs"] = 27
        made.note("max_epochs", GUESS)
    return made


def _found(problem: Problem, lines: dict[Key, int]) -> Problem:
    """With the line of its key, or of the nearest above it."""
    key = problem.key
    while key and key not in lines:
        key = key[:-1]
    return replace(problem, line=lines.get(key) if key else None)


def _check(made: Draft, file: Path) -> None:
    """Errors: SweepError, where what it became is no sweep: a range without width, say."""
    from ..search.sweep import Sweep

    if not made.values.get("parameters"):
        raise SweepError([Problem(key=(), message="holds no parameters to search")], str(file))
    try:
        Sweep(**made.values)
    except SweepError as error:
        raise SweepError(error.problems, f"{file}, as a sweep file of ours") from None
