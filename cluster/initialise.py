"""`nightsweep init`: a sweep file and a training function that run as they are."""

from __future__ import annotations

import json
from pathlib import Path

from ..search.errors import RunFolderError
from ..search.schema import schema

STARTER = Path(__file__).parent / "starter"
SCHEMA = "sweep.schema.json"


def initialise(folder: Path) -> list[Path]:
    """Write the starter files; the sweep file is the first. Errors: RunFolderError.

    Nothing is written if one of them is there already.
    """
    texts = {
        name: (STARTER / name).read_text(encoding="utf-8") for name in ("sweep.yaml", "train.py")
    }
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
