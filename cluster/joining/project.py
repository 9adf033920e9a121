"""What a sweep needs on every node: its code, its data, its run folder."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...search.errors import Problem, SweepError
from ...search.ready import KNOWN_SET
from ...search.resources import Resources
from ...search.sweep import Sweep
from ...trainables.ready import Function, ReadyMade, loaded
from .probe import PACKAGE

# What a worker imports besides Ray, torch and nightsweep.
NEEDED = ("torch", "numpy", "pandas", "pydantic", "msgspec", "yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A sweep, as nodes see it.

    `folder`: that of the sweep file, from which `train` and `data` count. `root`: the project's,
    which travels if need be; None where the training function is installed like any library.
    """

    folder: Path
    root: Path | None
    module: str
    run: Path
    data: Sequence[Path]
    needs: Resources

    @property
    def modules(self) -> tuple[str, ...]:
        """What must be installed on a node."""
        return NEEDED if self.root or self.module in (PACKAGE, "") else (*NEEDED, self.module)

    @property
    def inside(self) -> Path:
        """The sweep file's folder, from the project's."""
        return self.folder.relative_to(self.root) if self.root else Path()


def of(sweep: Sweep, function: Function, folder: Path, run: Path) -> Project:
    """The project of a sweep, whose paths are relative to `folder`. `run`: the run folder.

    Errors: TrainingFunctionError.
    """
    found = loaded(function, folder)
    module = getattr(found, "__module__", None) or ""
    # What is ready-made may name more in the sweep file's folder: a script, an estimator.
    code = folder if isinstance(function, ReadyMade) else file(found)
    return Project(
        folder=folder,
        root=root(code, folder, Path.cwd(), Path.home()),
        module=module.partition(".")[0],
        run=run,
        data=paths(sweep, folder),
        needs=sweep.resources,
    )


def root(code: Path | None, folder: Path, here: Path, home: Path) -> Path | None:
    """The project's folder: the current one if the sweep file and its function are in it, or else
    the sweep file's. None if the function is in neither: it is installed then, or made by hand.

    `code`: the file of the training function. `home`: it, and what is above it, is no project.
    """
    for place in (folder,) if _in(home, here) else (here, folder):
        if code is not None and all(_in(path, place) for path in (code, folder)):
            return None if _installed(code, place) else place
    return None


def file(function: Callable[..., Any]) -> Path | None:
    """Where a function was written."""
    try:
        return Path(inspect.getfile(inspect.unwrap(function))).absolute()
    except (TypeError, OSError):
        return None


def paths(sweep: Sweep, folder: Path) -> list[Path]:
    """What `data` names, from the sweep file's folder."""
    return [
        folder / Path(path).expanduser() for path in sweep.data if not KNOWN_SET.fullmatch(path)
    ]


def check_data(sweep: Sweep, folder: Path, source: str = "sweep") -> None:
    """Errors: SweepError if a path of `data` is not on this machine."""
    missing = [path for path in paths(sweep, folder) if not path.exists()]
    if missing:
        raise SweepError([Problem(key=("data",), message=f"there is no {missing[0]}")], source)


def _in(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def _installed(code: Path, place: Path) -> bool:
    """Whether a library in the project's folder (`.venv/lib/...`) holds the function."""
    return "site-packages" in code.relative_to(place).parts
