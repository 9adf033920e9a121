"""What the doctor says of versions, and of the Ray that a sweep would use."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from ...search.errors import ClusterError
from ..joining.address import Address
from .finding import Finding, Level

SHOWN = ("ray", "torch", "optuna")

Installed = Callable[[str], str]  # errors: PackageNotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One that nightsweep needs. `wanted`: "ray==2.60.*"; `found`: empty where it is missing."""

    name: str
    wanted: str
    found: str
    right: bool


def packages(wanted: Sequence[str] | None = None, found: Installed = version) -> list[Package]:
    """Those that nightsweep names as its dependencies, as they are installed."""
    given = requires("nightsweep") or [] if wanted is None else wanted
    needs = [Requirement(one) for one in given]
    return [_package(need, found) for need in needs if not need.marker or need.marker.evaluate()]


def findings(python: str, own: str, needed: Sequence[Package]) -> Iterator[Finding]:
    """What is installed, and what of it nightsweep is not made for."""
    told = ", ".join(f"{one.name} {one.found}" for one in needed if one.name in SHOWN)
    yield Finding(topic="versions", said=f"nightsweep {own}, Python {python}, {told}")
    for one in needed:
        if not one.right:
            yield Finding(
                topic="versions",
                said=f"{one.name} {one.found or 'is not installed'}, and nightsweep is made for "
                f"{one.wanted}",
                level=Level.LIMITS if one.found else Level.STOPS,
                advice=f"pip install '{one.wanted}'",
            )


def cluster(ask: Callable[[], Address | None]) -> Finding:
    """Where a sweep would run; `ask` finds that out. Errors that it raises stop a sweep."""
    try:
        address = ask()
    except ClusterError as error:
        return Finding(topic="cluster", said=str(error), level=Level.STOPS)
    if address is None:
        return Finding(topic="cluster", said="a sweep starts a Ray of its own here")
    return Finding(
        topic="cluster",
        said=f"a sweep joins the Ray cluster at {address.words}; what is said here holds for this "
        "machine only",
        advice="--address local, for a Ray of its own here",
    )


def alive(seconds: float | None, error: str = "") -> Finding:
    """Whether a Ray of its own starts here, and how soon it has run a task."""
    if seconds is None:
        advice = "free what is named there; Ray's own words are in its folder, session_latest/logs"
        return Finding(topic="Ray", said=error, level=Level.STOPS, advice=advice)
    return Finding(topic="Ray", said=f"starts here, and has run a task after {seconds:.1f} s")


def own() -> tuple[str, str]:
    """Python's version, and nightsweep's."""
    return platform.python_version(), version("nightsweep")


def _package(need: Requirement, found: Installed) -> Package:
    wanted = f"{need.name}{'[' + ','.join(need.extras) + ']' if need.extras else ''}"
    try:
        there = found(need.name)
    except PackageNotFoundError:
        there = ""
    right = bool(there) and need.specifier.contains(there, prereleases=True)
    wanted += str(need.specifier)
    return Package(name=need.name, wanted=wanted, found=there, right=right)
