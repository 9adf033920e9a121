"""How many CPUs a sweep may use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from nightsweep.cluster.cpus import BOUND, Cpus, look


@pytest.mark.parametrize(
    ("cpus", "usable"),
    [
        (Cpus(there=16, bound=16), 16),
        (Cpus(there=16, bound=4), 4),
        (Cpus(there=16, bound=16, quota=2.5), 2),
        (Cpus(there=16, bound=4, quota=8.0), 4),
        (Cpus(there=16, bound=16, quota=0.5), 1),
    ],
)
def test_the_smallest_limit_counts_and_one_cpu_is_always_there(cpus: Cpus, usable: int) -> None:
    assert cpus.usable == usable


def test_a_process_that_is_bound_to_one_cpu_may_use_one() -> None:
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
        "from nightsweep.cluster.cpus import look; print(look().bound, look().usable)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]


@pytest.mark.skipif(len(BOUND) < 2, reason="one CPU cannot be told from all")
def test_a_thread_that_openmp_has_bound_to_one_cpu_hides_none_of_them() -> None:
    """OMP_PROC_BIND: importing torch binds the thread, as is done here."""
    code = (
        "import os, nightsweep.cluster.run;"
        "all_of_them, one = os.sched_getaffinity(0), {min(os.sched_getaffinity(0))};"
        "os.sched_setaffinity(0, one);"
        "from nightsweep.cluster.cpus import look, unbound; print(look().bound);\n"
        "with unbound(): print(os.sched_getaffinity(0) == all_of_them)\n"
        "print(os.sched_getaffinity(0) == one)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(BOUND)), "True", "True"]


def test_this_process_has_no_more_than_the_machine() -> None:
    assert 1 <= look().usable <= (os.cpu_count() or 1)
