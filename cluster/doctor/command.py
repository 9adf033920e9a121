"""The command `nightsweep doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ...search.units import plural
from ..console import Console
from ..exits import BAD_INPUT
from ..options import Json
from ..show import say
from .finding import Finding, Level

WORDS = {Level.FINE: "ok", Level.LIMITS: "limits", Level.STOPS: "stops"}
STYLES = {Level.FINE: "green", Level.LIMITS: "yellow", Level.STOPS: "bold red"}


def add_to(app: typer.Typer) -> None:
    """Put the command into the command line."""
    app.command()(doctor)


def doctor(
    file: Annotated[
        Path | None, typer.Argument(help="A sweep file: how many of its trials fit at once?")
    ] = None,
    ray: Annotated[
        bool, typer.Option("--ray", help="Start a Ray too, and have it run a task.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what this machine has, and what of it would limit or stop a sweep."""
    from ...search.sweepfile import load
    from .examine import examine

    found = examine(load(file) if file else None, ray=ray)
    stops = any(one.level is Level.STOPS for one in found)
    if as_json:
        print(json.dumps({"stops": stops, "findings": [asdict(one) for one in found]}, indent=2))
    else:
        show(Console(), found)
    if stops:
        raise typer.Exit(BAD_INPUT)


def show(console: Console, found: list[Finding]) -> None:
    """Every finding, with what to do about it, and what they come to."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for column in ("", "topic"):
        table.add_column(column, no_wrap=True)
    table.add_column("said", overflow="fold")
    for one in found:
        level = f"[{STYLES[one.level]}]{WORDS[one.level]}[/]"
        advice = f"\n→ {escape(one.advice)}" if one.advice else ""
        table.add_row(level, one.topic, escape(one.said) + advice)
    console.print(table, highlight=False)
    say(console, verdict(found))


def verdict(found: list[Finding]) -> str:
    """In one sentence."""
    limits, stops = (
        sum(one.level is level for one in found) for level in (Level.LIMITS, Level.STOPS)
    )
    more = f"; {plural(limits, 'thing')} would limit one" if limits else ""
    if stops:
        return f"{plural(stops, 'thing')} here {_verb(stops)} a sweep{more}."
    return f"Nothing here stops a sweep{more}."


def _verb(count: int) -> str:
    return "stops" if count == 1 else "stop"
