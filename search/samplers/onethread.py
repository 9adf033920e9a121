"""One thread for linear algebra.

Several are no faster for matrices of a few hundred rows, and wait for each other: where training
keeps all cores busy, a fit took twenty times as long. They also round differently, so a sweep that
is resumed with another number of threads would go another way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Everything in it runs on one thread; then there are as many as before."""
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  it brings a library of its own, found only once it is loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
