"""Whether a program can be started: seen before the night, where it can be seen."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from ...search.errors import DataError
from ...search.nearest import nearest

PYTHON = re.compile(r"python[\d.]*")
SHELLS = ("sh", "bash", "dash", "zsh")
OPTION = re.compile(r"-+\w*[^cm]")  # after -c and -m comes no script
SCRIPTS = (".py", ".sh")


def program(word: str, folder: Path, path: str | None = None) -> str:
    """Where a program lies. `word`: as the command has it, relative to `folder` if it has a slash,
    else looked for in `path` ($PATH without it). Errors: DataError."""
    if "/" not in word:
        return _in_path(word, path)
    found = folder / Path(word).expanduser()
    if found.is_dir():
        raise DataError(f"command: {word} is a folder; write the program in it")
    if not found.is_file():
        raise DataError(f"command: there is no program {found}")
    if not os.access(found, os.X_OK):
        raise DataError(
            f"command: {word} is not executable; write chmod +x {word}, or python {word}"
        )
    return str(found)


def script(words: Sequence[str], folder: Path) -> None:
    """Check that the script is there which Python or a shell is to run; `words` as the sweep file
    has them. Errors: DataError."""
    name = Path(words[0]).name
    if not (PYTHON.fullmatch(name) or name in SHELLS):
        return
    word = next((word for word in words[1:] if not OPTION.fullmatch(word)), "")
    if Path(word).suffix not in SCRIPTS or "{" in word or (folder / word).exists():
        return
    near = nearest(word, sorted(file.name for file in folder.glob(f"*{Path(word).suffix}")))
    hint = f"; did you mean {near}?" if near else ""
    raise DataError(f"command: there is no script {word} in {folder}{hint}")


def _in_path(word: str, path: str | None) -> str:
    found = shutil.which(word, path=path)
    if found is not None:
        return os.path.abspath(found)
    if "=" in word:
        raise DataError(f"command: {word} is no program; write env {word} before the program")
    if PYTHON.fullmatch(word):
        others = (name for name in ("python3", "python") if shutil.which(name, path=path))
        hint = f"write {next(others, '.venv/bin/python')}, or the path of another"
    else:
        hint = f"is it installed here? A program of your own is ./{word}"
    raise DataError(f"command: there is no {word} in $PATH; {hint}")
