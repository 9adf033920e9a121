"""A trial's state on disk: what it keeps, and the random generators.

Written aside, synced, then renamed, so that a checkpoint is whole or not there.
"""

from __future__ import annotations

import os
import pickle
import random
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol


class Keepable(Protocol):
    """A model, an optimiser, a schedule: anything whose state can be taken out and put back."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...


def place(folder: Path, epoch: int) -> Path:
    """Where the checkpoint after this epoch lies."""
    return folder / f"epoch-{epoch}"


def state_of(kept: Mapping[str, Keepable]) -> dict[str, Any]:
    """What a checkpoint holds: the state of each thing kept, and of the random generators."""
    return {"kept": {name: thing.state_dict() for name, thing in kept.items()}, "rng": _rng()}


def save(folder: Path, epoch: int, state: dict[str, Any]) -> None:
    """Save the state after `epoch` epochs, wholly or not at all. Errors: OSError (a full disk)."""
    import torch

    def write(aside: Path) -> None:
        with (aside / "state.pt").open("wb") as file:
            try:
                torch.save(state, file)
            except RuntimeError as error:
                if "inline_container" not in str(error):
                    raise  # the state itself cannot be pickled
                raise OSError(None, "the disk is full") from error  # so torch's writer says it
            file.flush()
            os.fsync(file.fileno())

    put(folder, epoch, write)


def put(folder: Path, epoch: int, write: Any) -> None:
    """Make a checkpoint folder: `write` fills one aside, which then takes its name."""
    for left in folder.glob(".writing-*"):  # by a worker that was killed
        shutil.rmtree(left, ignore_errors=True)
    aside = folder / f".writing-{os.getpid()}"
    aside.mkdir(parents=True)
    try:
        write(aside)
        target = place(folder, epoch)
        if target.exists():  # the same epoch, trained again after an interruption
            shutil.rmtree(target)
        os.replace(aside, target)
        _sync(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def load(folder: Path, epoch: int) -> dict[str, Any]:
    """The state saved after `epoch` epochs. Errors: FileNotFoundError."""
    import torch

    path = place(folder, epoch) / "state.pt"
    if not path.exists():
        raise FileNotFoundError(f"the checkpoint after epoch {epoch} is gone: {path}")
    try:
        state = torch.load(path, weights_only=True)
    except pickle.UnpicklingError:
        # More than tensors is kept; this training code wrote it, so it may be read by it.
        state = torch.load(path, weights_only=False)
    assert isinstance(state, dict)
    return state


def keep_only(folder: Path, epochs: Collection[int]) -> None:
    """Remove the checkpoints of all other epochs."""
    for path in folder.glob("epoch-*"):
        if path not in [place(folder, epoch) for epoch in epochs]:
            shutil.rmtree(path, ignore_errors=True)


def epochs(folder: Path) -> list[int]:
    """The epochs after which there is a checkpoint, in order."""
    return sorted(int(path.name.removeprefix("epoch-")) for path in folder.glob("epoch-*"))


def restore_rng(state: dict[str, Any]) -> None:
    """Put Python's, numpy's and torch's generators where they were."""
    import numpy as np
    import torch

    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    keys = state["numpy"][0].numpy().astype("uint32")
    np.random.set_state(("MT19937", keys, *state["numpy"][1:]))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


def _sync(folder: Path) -> None:
    """Make a rename in a folder last: after a power cut, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rng() -> dict[str, Any]:
    """Generators as tensors and plain numbers, which torch loads without pickle's freedom."""
    import numpy as np
    import torch

    version, words, gauss = random.getstate()
    _, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": (version, list(words), gauss),
        "numpy": (
            torch.from_numpy(np.asarray(keys, dtype="int64")),
            int(position),
            int(has_gauss),
            float(cached),
        ),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
