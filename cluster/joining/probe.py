"""What a node answers about itself: sent there whole, since it may have no nightsweep.

So it uses nothing but Python, and what is passed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PACKAGE = "nightsweep"


def look(
    *,
    files: Mapping[str, str],
    package: str,
    modules: Sequence[str],
    data: Sequence[str],
    run: str,
    nonce: str,
    node: str,
) -> dict[str, Any]:
    """A node's answer: its versions, and what it lacks.

    `files`: of the project, each with its digest; `package`: nightsweep's. `modules`: to be
    installed. `data`: paths that training reads. `run`: the run folder, where the driver has left
    a file named `nonce`; `node` is added to that name for this node's own.
    """
    found = _folder(PACKAGE)
    return {
        "python": platform.python_version(),
        "ray": _version("ray"),
        "torch": _version("torch"),
        "nightsweep": _version(PACKAGE) if found else None,
        "same_package": found is not None and tree(found) == package,
        "other_files": [path for path, known in files.items() if digest(Path(path)) != known],
        "modules": [name for name in modules if _folder(name) is None],
        "data": [path for path in data if not os.access(path, os.R_OK)],
        "run": _keeps(Path(run), nonce, node),
    }


def tree(folder: Path) -> str:
    """A digest of all Python files in a folder."""
    found = hashlib.sha256()
    for path, _, names in sorted(os.walk(folder, followlinks=True)):
        for name in sorted(name for name in names if name.endswith(".py")):
            file = Path(path, name)
            found.update(f"{file.relative_to(folder)} {digest(file)}\n".encode())
    return found.hexdigest()


def digest(file: Path) -> str:
    """Of a file's content; empty if it cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _keeps(run: Path, nonce: str, node: str) -> str:
    """Why the run folder cannot be used here; empty if it can."""
    if not run.is_dir():
        return "is not there"
    if not (run / nonce).exists():
        return "is another folder there"
    try:
        (run / f"{nonce}-{node}").touch()
    except OSError as error:
        return f"cannot be written there: {error.strerror}"
    return ""


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _folder(module: str) -> Path | None:
    """Where a module is that could be imported."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin).parent if spec is not None and spec.origin else None
