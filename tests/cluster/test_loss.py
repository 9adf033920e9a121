"""What Tune leaves of a lost worker, as it was found in its error files."""

import pytest

from nightsweep.cluster.loss import loss
from nightsweep.search.events import Cause

FAILURE = "Failure # 1 (occurred at 2026-11-22_08-46-03)\n"
# Ray 2.60's own words, of a worker that its memory monitor has ended (shortened).
KILLED = """The actor died unexpectedly before finishing this task.
2 worker(s) were killed due to the node running low on memory. Memory on the node (IP: 10.0.0.2, \
ID: c0af04c0) was 7.45GB used / 8.00GB limit (0.931250)
OOM kill reason: Memory usage 8000000000B exceeded threshold of 7200000000B
Top 10 memory users: PID\tMEM(GB)\tCOMMAND
28239\t0.38\tpython serve.py --password secret
"""
DIED = """The actor died unexpectedly before finishing this task.
\tclass_name: with_parameters
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR. There are \
some potential root causes. (1) The process is killed by SIGKILL by OOM killer due to high memory \
usage.
"""
WITH_ITS_NODE = """The actor died unexpectedly before finishing this task.
\tclass_name: with_parameters.<locals>._Inner
\tip: 10.0.0.2
The actor died because its node has died. Node Id: c3cbce44e24edde2a26fd440bf4b6625cca05521
\tthe actor's node was terminated unexpectedly: health check failed due to missing too \
many heartbeats
"""
SET_UP = """The actor died because of an error raised in its creation task, ray::Worker.__init__()
  File "worker.py", line 9, in setup
ImportError: no module named torchvision
"""


def test_a_worker_that_ray_s_memory_monitor_has_ended_is_short_of_memory() -> None:
    assert loss(FAILURE + KILLED) == (
        Cause.MEMORY,
        "its worker was ended by Ray's memory monitor: 7.45 GB of 8.00 GB were in use on its host",
    )


def test_it_is_recognised_by_these_words_alone() -> None:
    text = "killed due to the node running low on memory"
    assert loss(text) == (Cause.MEMORY, "its worker was ended by Ray's memory monitor")


def test_a_worker_that_was_killed_otherwise_is_lost_whatever_ray_guesses() -> None:
    """The kernel's killer among them: nobody says whom it has killed."""
    assert loss(FAILURE + DIED) == (
        Cause.LOST,
        "its worker died: The actor died unexpectedly before finishing this task.",
    )


def test_a_worker_that_went_with_its_node_says_so() -> None:
    assert loss(FAILURE + WITH_ITS_NODE) == (Cause.LOST, "its node was lost")


def test_a_worker_that_could_not_be_set_up_says_the_error() -> None:
    assert loss(FAILURE + SET_UP) == (
        Cause.LOST,
        "its worker failed: ImportError: no module named torchvision",
    )


def test_of_several_losses_the_latest_counts() -> None:
    again = FAILURE.replace("# 1", "# 2")
    assert loss(FAILURE + KILLED + again + DIED).cause is Cause.LOST
    assert loss(FAILURE + DIED + again + KILLED).cause is Cause.MEMORY


@pytest.mark.parametrize("text", ["", "\n\n", FAILURE])
def test_where_nothing_is_said_the_worker_has_died(text: str) -> None:
    assert loss(text) == (Cause.LOST, "its worker died")
