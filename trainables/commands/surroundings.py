"""What a program is told: by placeholders, its environment, a file with its configuration."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...search.ready import template
from ...search.ready.command import variable
from ..trial import Trial

CLIENT = Path(__file__).parent / "client"  # of nightsweep_report.py
CONFIG = "config.json"  # in a trial's folder


def values(trial: Trial, working: Path) -> dict[str, Any]:
    """What each placeholder stands for: of the trial, and its parameters, which come first."""
    return {
        "epochs": trial.max_epochs,
        "trial": trial.id,
        "seed": trial.seed,
        "folder": str(trial.folder),
        "checkpoint": str(working),
        "config": str(trial.folder / CONFIG),
        "device": trial.device,
        **trial.config,
    }


def environment(
    trial: Trial, working: Path, link: str, inherited: Mapping[str, str]
) -> dict[str, str]:
    """The environment of a program. `link`: the socket on which it may report."""
    path = inherited.get("PYTHONPATH")
    return {
        **{key: value for key, value in inherited.items() if not _of_ray(key, value)},
        **{variable(name): template.text(value) for name, value in trial.config.items()},
        "NIGHTSWEEP_TRIAL": str(trial.id),
        "NIGHTSWEEP_EPOCH": str(trial.epoch),
        "NIGHTSWEEP_EPOCHS": str(values(trial, working)["epochs"]),
        "NIGHTSWEEP_SEED": str(trial.seed),
        "NIGHTSWEEP_FOLDER": str(trial.folder),
        "NIGHTSWEEP_CHECKPOINT": str(working),
        "NIGHTSWEEP_CONFIG": str(trial.folder / CONFIG),
        "NIGHTSWEEP_DEVICE": trial.device,
        "NIGHTSWEEP_REPORT": link,
        "PYTHONPATH": f"{CLIENT}{os.pathsep}{path}" if path else str(CLIENT),
        "PYTHONUNBUFFERED": "1",  # or lines would come when the program ends
    }


def write_config(trial: Trial) -> None:
    """Write the whole configuration for the program to read. Errors: OSError."""
    place = trial.folder / CONFIG
    aside = place.with_name(f".{CONFIG}.{os.getpid()}")
    aside.unlink(missing_ok=True)  # a link, say, that would lead elsewhere
    aside.write_text(json.dumps(trial.config, indent=2) + "\n", encoding="utf-8")
    os.replace(aside, place)


def _of_ray(name: str, value: str) -> bool:
    """Ray's debugger, which it gives its workers: the program's Python may have no Ray."""
    return name == "PYTHONBREAKPOINT" and value.startswith("ray.")
