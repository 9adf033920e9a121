"""A trial's state on disk: what it keeps, and the random generators.

Written aside, sealed by a manifest, synced, then renamed, so that a checkpoint is whole or not
there; removed by a rename first, so that no half of one is seen either.
"""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

from . import manifest, plain

STATE = "state.pt"
WRITING, GOING = ".writing-", ".going-"  # names of folders that are no checkpoints (any more)


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
    """Save the state after `epoch` epochs, wholly or not at all. Errors: as `write`'s."""
    put(folder, epoch, lambda aside: write(aside / STATE, state))


def write(path: Path, state: dict[str, Any]) -> None:
    """Write a state to a file.

    Errors: OSError (a full disk); StateError if it could not be read back safely.
    """
    import torch

    with path.open("wb") as file:
        try:
            torch.save(state, file)
        except RuntimeError as error:
            if "inline_container" not in str(error):
                raise  # the state itself cannot be pickled
            full = OSError(None, "the disk is full")  # what torch's writer mostly means by it
            cause = error.__context__
            raise cause if isinstance(cause, OSError) else full from error
    plain.check(path)


def put(folder: Path, epoch: int, fill: Callable[[Path], object]) -> None:
    """Make a checkpoint: `fill` fills a folder aside, which then takes its name.

    Errors: OSError, and what `fill` raises; then the folder is as it was.
    """
    clear(folder)
    aside = folder / f"{WRITING}{os.getpid()}"
    folder.mkdir(exist_ok=True)  # but none above it: where a share is away, they are not there
    aside.mkdir()
    try:
        fill(aside)
        manifest.seal(aside)
        remove(folder, epoch)  # the same epoch, trained again after an interruption
        os.replace(aside, place(folder, epoch))
        manifest.sync(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def damage(folder: Path, epoch: int) -> str:
    """What is wrong with a checkpoint: `is gone ...`, `is damaged (...)`; empty if nothing is.

    Reads all of it. Errors: OSError while the storage cannot be read.
    """
    path = _place(folder, epoch)
    if not path.is_dir():
        return "is gone (removed for want of room, or from outside)"
    wrong = manifest.damage(path) if manifest.sealed(path) else _unsealed(path / STATE)
    return f"is damaged ({wrong})" if wrong else ""


def usable(folder: Path, epoch: int) -> int:
    """The latest epoch before `epoch` with a checkpoint that is whole; 0 if there is none."""
    earlier = (found for found in reversed(epochs(folder)) if found < epoch)
    return next((found for found in earlier if not damage(folder, found)), 0)


def load(folder: Path, epoch: int) -> dict[str, Any]:
    """The state saved after `epoch` epochs; `damage` says whether it is whole.

    Errors: LookupError; StateError if it holds more than tensors and plain values; OSError.
    """
    path = _place(folder, epoch) / STATE
    if not path.exists():
        raise LookupError(f"the checkpoint after epoch {epoch} is gone: {path}")
    state = plain.read(path)
    assert isinstance(state, dict)
    return state


def keep_only(folder: Path, kept: Collection[int]) -> None:
    """Remove the checkpoints of all other epochs."""
    for epoch in epochs(folder):
        if epoch not in kept:
            remove(folder, epoch)


def remove(folder: Path, epoch: int) -> None:
    """Remove a checkpoint, if it is there and can be removed."""
    going = folder / f"{GOING}{epoch}-{os.getpid()}"
    try:
        os.rename(place(folder, epoch), going)
    except OSError:
        return  # gone already; or the storage is away, and `put` and `clear` will see
    shutil.rmtree(going, ignore_errors=True)


def clear(folder: Path) -> None:
    """Remove what was being written or removed by a process that was killed."""
    for prefix in (WRITING, GOING):
        for left in folder.glob(f"{prefix}*"):
            shutil.rmtree(left, ignore_errors=True)


def traces(folder: Path) -> bool:
    """Whether there is a checkpoint, or what is left of one."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return False
    return any(name.startswith(("epoch-", WRITING, GOING)) for name in names)


def epochs(folder: Path) -> list[int]:
    """The epochs after which there is a checkpoint, in order."""
    names = (re.fullmatch(r"epoch-(\d+)", path.name) for path in folder.glob("epoch-*"))
    return sorted(int(name[1]) for name in names if name)


def size(folder: Path, epoch: int) -> int:
    """How many bytes a checkpoint takes; 0 if it is not there."""
    files = place(folder, epoch).rglob("*")
    try:
        return sum(path.stat().st_size for path in files if path.is_file())
    except OSError:  # removed meanwhile
        return 0


def save_rng(folder: Path, rank: int) -> None:
    """Write this process's random generators, of several processes or beside another tool's
    checkpoint. Errors: OSError."""
    write(folder / f"generators-{rank}.pt", {"rng": _rng()})


def load_rng(folder: Path, rank: int) -> dict[str, Any] | None:
    """What `save_rng` has written; None where it has not. Errors: as `load`'s."""
    path = folder / f"generators-{rank}.pt"
    return plain.read(path)["rng"] if path.exists() else None


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


def _place(folder: Path, epoch: int) -> Path:
    """As `place`. Errors: OSError where not even the folder of all trials is there."""
    os.stat(folder.parent)  # a share that is away leaves an empty folder, or none
    return place(folder, epoch)


def _unsealed(path: Path) -> str:
    """What is wrong with a checkpoint that has no manifest (nightsweep 0.1 wrote none).

    torch's files hold checksums of their own; nothing is known of what adapters wrote.
    """
    if not path.exists():
        return ""
    if not path.is_file():
        return "state.pt is no file"
    try:
        with zipfile.ZipFile(path) as file:
            wrong = file.testzip() is not None
    except Exception as error:  # what zipfile raises on damaged files is of many kinds
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # a seek to nowhere
            raise
        wrong = True
    return "state.pt is not what was written" if wrong else ""


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
