"""Errors that mean: there is not enough memory. They are known by their kind, or by their words.

Afterwards the process must be as it was: the next trial trains in it, and the one that did not fit
may train beside it.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import re
import sys
import traceback
from collections.abc import Iterator

from ..search.units import size_text

WORDS = (  # of torch, of CUDA's libraries and of XLA, in lower case
    "out of memory",
    "can't allocate memory",  # torch's allocator on the CPU
    "not enough memory",  # and on Windows
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED; cuDNN, cuFFT and cuSOLVER have their own
)
ASKED = re.compile(r"allocate (\d[\d.]*) ?([KMGTP]?i?B|bytes)\b")


def shortage(error: BaseException) -> BaseException | None:
    """The error that says so: this one, or one of those that it came of; None if none does."""
    return next((one for one in _line(error) if _short(one)), None)


def words(error: BaseException) -> str:
    """What such an error says, in a few words that are alike for all of them."""
    found = ASKED.search(_text(error))
    if found is None:
        return "ran out of memory"
    number, unit = found.groups()
    asked = size_text(float(number)) if unit == "bytes" else f"{number} {unit}"
    return f"ran out of memory, asking for {asked}"


def forget(error: BaseException) -> None:
    """Clear what the functions that an error has ended still hold, whoever keeps the error."""
    for one in _line(error):
        traceback.clear_frames(one.__traceback__)
        one.__traceback__ = None  # our own frames still run, and hold the trial


def release(*, short: bool) -> None:
    """Give back what a trial has left: at once if it ran `short`, else where a GPU's memory is
    kept for later, which is the neighbours' loss."""
    torch = sys.modules.get("torch")
    cached = torch is not None and torch.cuda.is_initialized()
    if short or cached:
        gc.collect()
    if torch is not None and cached:
        with contextlib.suppress(RuntimeError):  # CUDA is broken; the next trial will say so
            torch.cuda.empty_cache()


def _line(error: BaseException) -> Iterator[BaseException]:
    """An error and those it came of, as Python shows them; each once."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        left += [None if one.__suppress_context__ else one.__context__, one.__cause__]
        left += one.exceptions if isinstance(one, BaseExceptionGroup) else ()


def _short(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, RuntimeError):  # torch.OutOfMemoryError too
        text = _text(error).lower()
        return any(word in text for word in WORDS)
    return isinstance(error, MemoryError)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception whose text cannot be made
        return ""
