"""The timers there are, and which of them a place has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ...search.errors import NightsweepError
from ...search.sites import SiteName
from ..jobs.sites import site
from .cron import Cron
from .kubernetes import CronJob
from .schedule import Using
from .scrontab import Scrontab
from .slurm import Begin
from .systemd import Systemd
from .timer import Timer

USING: tuple[Using, ...] = ("systemd", "cron", "scrontab", "slurm", "kubernetes")
FIRST: dict[Using, str] = {
    "systemd": "it knows time zones, catches up after sleep, and lingers when you log out",
    "cron": "it runs here, whoever is logged in",
    "scrontab": "Slurm keeps it, and this machine need not run then",
    "slurm": "Slurm starts a job at its time by itself",
    "kubernetes": "a CronJob is where the RayJob will be",
}


def timer(using: Using, environ: Mapping[str, str], zone: str = "") -> Timer:
    """The timer of that name. `zone`: the machine's."""
    match using:
        case "cron":
            return Cron(zone=zone)
        case "systemd":
            return Systemd(_units(environ))
        case "scrontab":
            return Scrontab(zone=zone)
        case "slurm":
            return Begin(site=lambda: site("slurm"))
        case "kubernetes":
            return CronJob(zone=zone)


def choose(
    found: Mapping[Using, Timer],
    to: SiteName,
    using: Using | None,
    *,
    one_night: bool,
    unseen: bool = False,
) -> tuple[Timer, str]:
    """The timer to use, and why.

    `one_night`: one will do, since no days were named. `unseen`: take the one that was asked for,
    whether it works here or not.
    Errors: NightsweepError, with what hinders each.
    """
    if using is not None:
        if not unseen and (why := found[using].hindrance()):
            raise NightsweepError(f"--using {using}: {why}")
        return found[using], "as asked for"
    hindrances: dict[str, str] = {}
    for name in _order(to, lingers=lingering(found), one_night=one_night):
        why = found[name].hindrance()
        if not why:
            return found[name], "; ".join(hindrances.values()) or FIRST[name]
        hindrances[name] = why
    raise NightsweepError(
        f"nothing here starts a sweep at its time: {'; '.join(hindrances.values())}"
    )


def lingering(found: Mapping[Using, Timer]) -> bool:
    """Whether the user's systemd lives on without a login."""
    systemd = found["systemd"]
    return isinstance(systemd, Systemd) and systemd.lingers()


def system_zone(
    localtime: Path = Path("/etc/localtime"),
    named: Path = Path("/etc/timezone"),
) -> str:
    """The name of the machine's time zone, as cron has it; empty where it cannot be told."""
    target = os.path.realpath(localtime)
    if "/zoneinfo/" in target:
        return target.rpartition("/zoneinfo/")[2].removeprefix("posix/")
    try:
        return named.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _order(to: SiteName, *, lingers: bool, one_night: bool) -> list[Using]:
    here: list[Using] = ["systemd", "cron"] if lingers else ["cron", "systemd"]
    if to == "kubernetes":
        return ["kubernetes", *here]
    own: list[Using] = ["scrontab", "slurm"] if one_night else ["scrontab"]
    return [*here, *own] if to == "slurm" else here


def _units(environ: Mapping[str, str]) -> Path:
    config = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or "~").expanduser() / (
        ".config"
    )
    return Path(config) / "systemd" / "user"
