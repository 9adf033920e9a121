"""Code that travels to a Ray cluster: packages named after what is in them, as Ray's own are.

One that is there already is not sent again. What of a folder stays here, travel.py says.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ....search.errors import NightsweepError
from ....search.units import plural, size_text
from ...joining.travel import luggage, own

EPOCH = (1980, 1, 1, 0, 0, 0)  # the date of every file: the same content is the same package


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A zip file in memory. `what`: in words; `names`: of what is in it."""

    what: str
    names: frozenset[str] = field(repr=False)
    data: bytes = field(repr=False)
    digest: str

    @property
    def name(self) -> str:
        """What it is called at the cluster."""
        return f"_ray_pkg_{self.digest}.zip"

    @property
    def uri(self) -> str:
        return f"gcs://{self.name}"

    def __str__(self) -> str:
        return (
            f"{self.what}: {plural(len(self.names), 'file')}, {size_text(len(self.data))} packed"
        )


def project(folder: Path, run: Path) -> Package:
    """A project's folder, but for what travel.py leaves here. Errors: NightsweepError."""
    found = luggage(folder, run)
    found.check()
    return _pack(str(folder), {str(path): folder / path for path in found.files})


def ourselves() -> Package:
    """Nightsweep, with a note of its version, so that a node needs not have it installed."""
    inside: dict[str, Path] = {}
    for folder, inner, names in os.walk(own(), followlinks=True):
        inner[:] = [name for name in inner if name != "__pycache__"]
        paths = [Path(folder, name) for name in names]
        inside |= {str("nightsweep" / path.relative_to(own())): path for path in paths}
    number = _version()
    note = f"Metadata-Version: 2.1\nName: nightsweep\nVersion: {number}\n"
    return _pack(f"nightsweep {number}", inside, {f"nightsweep-{number}.dist-info/METADATA": note})


def _pack(what: str, files: Mapping[str, Path], texts: Mapping[str, str] | None = None) -> Package:
    out, hashed = io.BytesIO(), hashlib.sha256()
    contents = {name: _read(path) for name, path in files.items()}
    modes = {name: path.stat().st_mode & 0o777 for name, path in files.items()}
    contents |= {name: text.encode() for name, text in (texts or {}).items()}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = modes.get(name, 0o644) << 16
            archive.writestr(entry, contents[name], zipfile.ZIP_DEFLATED)
            for part in (name.encode(), str(modes.get(name, 0)).encode(), contents[name]):
                hashed.update(len(part).to_bytes(8))
                hashed.update(part)
    return Package(
        what=what,
        names=frozenset(contents),
        data=out.getvalue(),
        digest=hashed.hexdigest()[:32],
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NightsweepError(f"{path} cannot be read, to be sent: {error.strerror}") from None


def _version() -> str:
    try:
        return version("nightsweep")
    except PackageNotFoundError:  # a checkout on the path, not installed
        return "0+unknown"
