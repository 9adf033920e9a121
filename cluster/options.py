"""What commands take: the options that several share, and how their text is read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ..search.errors import NightsweepError
from .joining.address import Address, asked, left

File = Annotated[Path, typer.Argument(help="The sweep file: YAML, TOML or JSON.")]
Run = Annotated[Path, typer.Argument(help="The run folder.")]
Trainable = Annotated[
    str | None,
    typer.Option(help="What trains, ready-made: tabular, image, text, sklearn, boosting."),
]
DataPaths = Annotated[
    list[str] | None,
    typer.Option("--data", help="What it learns from: a file, a folder, sklearn:digits."),
]
Target = Annotated[str | None, typer.Option(help="The column that it is to predict.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting of the trainable: cv=5."),
]
Trials = Annotated[int | None, typer.Option(min=1, help="How many configurations to try.")]
Time = Annotated[str | None, typer.Option(help="How long to search: 9h, 90m, 1h30m.")]
Deadline = Annotated[
    str | None, typer.Option(help="When to end: 07:00, or 2026-11-23 07:00 Europe/Berlin.")
]
Slots = Annotated[int | None, typer.Option(min=1, help="How many trials may run at once.")]
OnCluster = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="A Ray cluster to run on: HOST:PORT, auto, or local; RAY_ADDRESS without it.",
    ),
]
Seed = Annotated[int | None, typer.Option(min=0, help="For everything random.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="Start the driver again when it dies.")
]


def seconds(time: str | None) -> float | None:
    """`--time` in seconds. Errors: NightsweepError."""
    from ..search.units import seconds as parsed

    try:
        return parsed(time) if time is not None else None
    except ValueError as error:
        raise NightsweepError(f"--time: {error}") from None


def cluster(address: str | None) -> Address | None:
    """The cluster that `--address` or RAY_ADDRESS asks for. Errors: ClusterError."""
    return asked(address, os.environ, lambda: left(os.environ))


def moment(deadline: str | None) -> str | None:
    """`--deadline` as a sweep keeps it. Errors: NightsweepError."""
    from ..search.deadline import Deadline as Parsed

    try:
        return str(Parsed.parse(deadline)) if deadline is not None else None
    except ValueError as error:
        raise NightsweepError(f"--deadline: {error}") from None
