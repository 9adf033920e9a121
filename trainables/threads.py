"""As many threads as a trial has CPUs: with more, trials side by side fight for them.

On 16 CPUs with 16 trials each library would start 16 threads a trial, and all would wait for one
another. OMP_NUM_THREADS, which Ray sets, is read once, by those that are loaded later.
"""

from __future__ import annotations

import contextlib
import os
import sys

READ_AT_START = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def keep_to(cpus: int) -> None:
    """Libraries compute with so many threads, in this process and in those that it starts.

    Call it in the thread that trains: OpenMP keeps the number of each thread by itself. What
    the environment said before does not count, since it was not said of one trial among many.
    """
    import threadpoolctl
    import torch

    os.environ.update({name: str(cpus) for name in READ_AT_START})
    torch.set_num_threads(cpus)
    with contextlib.suppress(RuntimeError):  # only before it has been used: the first trial
        torch.set_num_interop_threads(cpus)
    threadpoolctl.threadpool_limits(cpus)  # OpenMP, MKL, OpenBLAS and BLIS, where loaded
    if numexpr := sys.modules.get("numexpr"):
        numexpr.set_num_threads(cpus)
