"""Reading a trial's state back without running what it holds.

A pickle is a program: whoever reads one runs it. torch reads tensors and plain values without that
(weights_only=True), and here numbers and arrays of numpy and paths as well. Anything else is
refused when it is to be saved, before a night is built on it, and when it is read.
"""

from __future__ import annotations

import pathlib
import pickle
from functools import cache
from pathlib import Path
from typing import Any

PLAIN = "tensors, numpy arrays, numbers, text, bytes, lists, tuples, sets and dicts"


class StateError(TypeError):
    """A state holds more than can be read back safely."""


KEPT = "what trial.keep was given has a state_dict with"


def check(path: Path, what: str = KEPT) -> None:
    """Look at what torch.save has written, without reading it. Errors: StateError.

    What passes here, others' torch.load(weights_only=True) can read in this process, too.
    """
    from torch.serialization import add_safe_globals, get_unsafe_globals_in_checkpoint

    add_safe_globals(_known())
    foreign = get_unsafe_globals_in_checkpoint(path)
    if foreign:
        raise StateError(
            f"{what} {', '.join(sorted(foreign))}, which could not be read back safely; "
            f"let it hold {PLAIN} only, or bytes that "
            "load_state_dict unpickles itself"
        )


def read(path: Path) -> Any:
    """What torch.save has written. Errors: StateError."""
    import torch
    from torch.serialization import add_safe_globals

    add_safe_globals(_known())
    try:
        return torch.load(path, weights_only=True)
    except OSError:
        raise
    except pickle.UnpicklingError as error:
        raise StateError(
            f"{path} is not read: it holds more than {PLAIN}, and reading that could run code "
            "that came with it; if it is your own, let state_dict hold these only and start a "
            "new run"
        ) from error
    except Exception as error:  # what torch raises on damaged files is of many kinds
        if isinstance(error, RuntimeError) and "PytorchStreamReader" not in str(error):
            raise  # such as for want of a GPU
        raise StateError(f"{path} is not read: it is damaged") from error


@cache
def _known() -> list[Any]:
    """What may stand in a state besides what torch knows; numpy 1 and 2 have two names for it."""
    import numpy as np

    scalar, array = np.float64(0).__reduce__()[0], np.zeros(0).__reduce__()[0]
    numbers = [
        type(np.dtype(code)) for code in (*np.typecodes["All"], "S", "U") if code not in "OV"
    ]
    return [
        np.ndarray,
        np.dtype,
        *dict.fromkeys(numbers),
        *((scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
        *((array, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")),
        pathlib.PosixPath,
        pathlib.PurePosixPath,
    ]
