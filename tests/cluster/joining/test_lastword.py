"""A driver that a call to a Ray that is gone holds."""

from __future__ import annotations

import subprocess
import sys

from nightsweep.cluster.exits import CLUSTER_DOWN
from nightsweep.cluster.joining.lastword import AFTER, LastWord


class Gone:
    """A clock, a cluster, and what was said at the end."""

    def __init__(self) -> None:
        self.why, self.now = "", 0.0
        self.left: list[str] = []
        self.word = LastWord(lambda: self.why, self.left.append, clock=lambda: self.now)

    def look(self, now: float) -> list[str]:
        self.now = now
        self.word.look()
        return self.left


def test_a_driver_that_sees_it_by_itself_is_left_to_end() -> None:
    gone = Gone()
    gone.why = "the head is gone"
    assert gone.look(0) == gone.look(AFTER - 1) == []


def test_one_that_does_not_is_ended() -> None:
    gone = Gone()
    gone.why = "the head is gone"
    gone.look(0)
    assert gone.look(AFTER) == ["the head is gone"]


def test_a_head_that_came_back_is_counted_anew() -> None:
    gone = Gone()
    gone.why = "the head is gone"
    gone.look(0)
    gone.why = ""
    gone.look(5)
    gone.why = "the head is gone"
    assert gone.look(AFTER) == []


def test_its_thread_ends_a_process_with_a_sentence_and_the_clusters_code() -> None:
    code = (
        "import time\n"
        "from nightsweep.cluster.joining.lastword import LastWord, leave\n"
        "with LastWord(lambda: 'gone', lambda why: leave(why, 'runs/a'), after=0, every=0.01):\n"
        "    time.sleep(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == CLUSTER_DOWN
    assert done.stderr == "nightsweep: gone; what was recorded is kept: nightsweep resume runs/a\n"
