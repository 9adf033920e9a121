"""`nightsweep init`: a sweep file and a training function that run as they are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml

from ..search.errors import RunFolderError
from ..search.ready import KNOWN_SET, Estimator, Text
from ..search.schema import schema
from ..search.sweep import Sweep

STARTER = Path(__file__).parent / "starter"
SCHEMA = "sweep.schema.json"
HEAD = f"""\
# yaml-language-server: $schema={SCHEMA}
# Ranges have min and max, choices have values; anything else is a constant.
"""


def initialise(folder: Path, sweep: Sweep | None = None) -> list[Path]:
    """Write the starter files, or those of a sweep of a ready-made trainable; the sweep file is
    the first. Errors: RunFolderError.

    Nothing is written if one of them is there already.
    """
    if sweep is None:
        names = ("sweep.yaml", "train.py")
        texts = {name: (STARTER / name).read_text(encoding="utf-8") for name in names}
    else:
        texts = {"sweep.yaml": written(sweep, folder)}
    texts[SCHEMA] = json.dumps(schema(), indent=2) + "\n"
    there = [str(folder / name) for name in texts if (folder / name).exists()]
    if there:
        raise RunFolderError(f"{', '.join(there)} exists already; name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunFolderError(f"{folder} cannot be written: {error.strerror}") from None
    return [folder / name for name in texts]


def written(sweep: Sweep, folder: Path = Path()) -> str:
    """A sweep file that spells out what its trainable brings, to be changed.

    `folder`: where the file will lie, from which paths to the data count.
    """
    assert sweep.trainable is not None
    trainable = sweep.trainable.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
    match sweep.trainable:
        case Text(tokenizer=str(path)):
            trainable["tokenizer"] = _from(folder, path)
        case Estimator(estimator=str(source)) if ".py:" in source:
            path, _, name = source.rpartition(":")
            trainable["estimator"] = f"{_from(folder, path)}:{name}"
    given = sweep.model_dump(mode="json", exclude_unset=True)
    values = {
        "name": sweep.name,
        "trainable": {"name": sweep.trainable.name, **trainable},
        "data": [_from(folder, path) for path in sweep.data],
        "metric": given["metric"],
        "parameters": {name: _short(one) for name, one in given["parameters"].items()},
        "max_epochs": sweep.max_epochs,
        "trials": sweep.limit,
    }
    values |= {key: value for key, value in given.items() if key not in values}
    written = yaml.safe_dump(
        values, sort_keys=False, default_flow_style=None, allow_unicode=True, width=99
    )
    return HEAD + written


def _short(parameter: Any) -> Any:
    """A parameter without what it does not say."""
    if not isinstance(parameter, dict):
        return parameter
    return {key: value for key, value in parameter.items() if value is not None}


def _from(folder: Path, path: str) -> str:
    if KNOWN_SET.fullmatch(path) or Path(path).expanduser().is_absolute():
        return path
    return os.path.relpath(path, folder)
