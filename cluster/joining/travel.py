"""Code that travels: what of a project's folder is sent to nodes that do not have it.

Ray sends and unpacks it (runtime_env), leaves out what .gitignore and .rayignore name, and `.git`,
`.venv`, `venv`, `__pycache__`. Run folders and other virtual environments are left out here. What
is private in Ray is guarded by tests/cluster/joining/test_travel.py.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from ...search.errors import ClusterError
from ...search.units import plural, size_text
from . import probe

MOST = 100 * 10**6  # bytes: each node gets a copy, and the head keeps one in its memory
MANY = 100_000  # files: nobody's code has as many
NAMED = 3  # of what is large
SIGNS = ("journal.jsonl", "pyvenv.cfg")  # of folders that do not travel: runs, environments


@dataclass(frozen=True, slots=True, kw_only=True)
class Luggage:
    """What would travel of a folder: its files with their bytes; and what stays besides what Ray
    leaves out."""

    root: Path
    files: Mapping[PurePath, int]
    stays: Sequence[PurePath] = ()

    @property
    def bytes(self) -> int:
        return sum(self.files.values())

    @property
    def words(self) -> str:
        """As in "12 files, 48 KB"."""
        return f"{plural(len(self.files), 'file')}, {size_text(self.bytes)}"

    @property
    def code(self) -> dict[str, str]:
        """Each Python file with its digest: where all are alike, nothing needs to travel."""
        files = (self.root / path for path in self.files if path.suffix == ".py")
        return {str(file): probe.digest(file) for file in files}

    def check(self) -> None:
        """Errors: ClusterError if it is too large to be sent."""
        many = len(self.files) > MANY
        if not many and self.bytes <= MOST:
            return
        limit = plural(MANY, "file") if many else size_text(MOST)
        raise ClusterError(
            f"{self.root} is not on every node, and is too large to be sent there ({self.words}; "
            f"the limit is {limit}): {', '.join(self._largest())}. Name what training does not "
            "import in .gitignore (and what it reads in data:), or put the folder on storage that "
            "all nodes share"
        )

    def _largest(self) -> list[str]:
        """What holds most of it, at its top: "data 1.2 GB"."""
        held: Counter[str] = Counter()
        for path, bytes_ in self.files.items():
            held[path.parts[0]] += bytes_
        return [f"{name} {size_text(bytes_)}" for name, bytes_ in held.most_common(NAMED)]


def luggage(root: Path, run: Path) -> Luggage:
    """What of a folder would travel. `run`: the run folder, which does not."""
    found = _walk(root)
    stays = {path.parent for path in found if path.name in SIGNS and path.parent != PurePath()}
    if root in run.parents:
        stays.add(PurePath(run.relative_to(root)))
    files = {path: bytes_ for path, bytes_ in found.items() if not stays & set(path.parents)}
    return Luggage(root=root, files=files, stays=sorted(stays))


def runtime_env(luggage: Luggage | None, *, package: bool) -> dict[str, Any]:
    """What Ray is told to send: this, and nightsweep itself if `package`."""
    env: dict[str, Any] = {}
    if luggage is not None:
        env["working_dir"] = str(luggage.root)
        env["excludes"] = [f"/{_plain(path)}" for path in luggage.stays]
    if package:
        env["py_modules"] = [str(own())]
    return env


def own() -> Path:
    """The folder of nightsweep's code."""
    return Path(__file__).absolute().parents[2]


def _walk(root: Path) -> dict[PurePath, int]:
    """Every file that Ray would send, with its bytes."""
    from ray._private import ray_constants
    from ray._private.runtime_env import packaging

    quiet = logging.getLogger("nightsweep.travel")
    quiet.disabled = True
    found: dict[PurePath, int] = {}

    def seen(path: Path) -> None:
        if path.is_file() and len(found) <= MANY:
            found[PurePath(path.relative_to(root))] = path.stat().st_size

    excludes = [packaging._get_excludes(root, ray_constants.get_runtime_env_default_excludes())]
    packaging._dir_travel(root, excludes, seen, include_gitignore=True, logger=quiet)
    return found


def _plain(path: PurePath) -> str:
    """A path as a pattern of .gitignore that means just it."""
    return "".join(f"\\{sign}" if sign in "*?[]!#\\ " else sign for sign in str(path))
