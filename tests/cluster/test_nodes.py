"""Nodes that are lost and nodes that come; and Ray itself, gone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from nightsweep.cluster.exits import CLUSTER_DOWN
from nightsweep.cluster.foreman import Foreman
from nightsweep.cluster.loop import Loop
from nightsweep.cluster.nodes import SILENT, Member, Members, Nodes, news
from nightsweep.cluster.stopping import StopRequest
from nightsweep.search.errors import ClusterDownError
from nightsweep.search.results import Results

from .conftest import Evening
from .disturb import driver, offspring, said, until_reports, write
from .nodes import Heard

if TYPE_CHECKING:
    from nightsweep.cluster.engine import Engine

ONE, TWO = Member("node-1", {"CPU": 4.0}), Member("node-2", {"CPU": 4.0})


def test_nodes_that_go_and_come_are_told_by_their_hosts() -> None:
    assert news({"a": ONE, "b": TWO}, {"b": TWO}, 4) == "1 node lost (node-1): 4 slots now"
    assert news({"b": TWO}, {"a": ONE, "b": TWO}, 8) == "1 node came (node-1): 8 slots now"
    both = news({"a": ONE, "b": TWO}, {"c": Member("node-3", {"CPU": 1.0})}, 1)
    assert both == "2 nodes lost (node-1, node-2), 1 node came (node-3): 1 slot now"


def test_where_nothing_has_changed_there_is_no_news() -> None:
    assert news({"a": ONE}, {"a": Member("node-1", {"CPU": 4.0})}, 4) == ""


def test_a_node_that_comes_back_is_another_one() -> None:
    told = news({"a": ONE}, {"b": ONE}, 4)
    assert told == "1 node lost (node-1), 1 node came (node-1): 4 slots now"


class Head:
    """Of a cluster: what it answers, on a clock that goes as is wished."""

    def __init__(self) -> None:
        self.members = {"a": ONE}
        self.away = False
        self.now = 0.0
        self.dead = ""

    def look(self) -> dict[str, Member]:
        if self.away:
            raise ConnectionError("no answer")
        return self.members

    def nodes(self, *, grows: bool = True) -> Nodes:
        return Nodes(
            grows=grows, look=self.look, died=lambda: self.dead, clock=lambda: self.now
        )  # fmt: skip


def test_a_look_finds_what_has_changed() -> None:
    head = Head()
    nodes = head.nodes()
    assert nodes.alive == {"a": ONE}
    head.members = {"b": TWO}
    nodes.ask()
    assert nodes.alive == {"b": TWO}


def test_a_newcomer_that_cannot_run_the_sweep_is_told_once_and_not_counted() -> None:
    head, asked = Head(), list[set[str]]()

    def admit(newcomers: Members) -> dict[str, str]:
        asked.append(set(newcomers))
        return {"b": "node-2 came and is left out"} if "b" in newcomers else {}

    nodes = Nodes(grows=True, look=head.look, died=lambda: "", admit=admit)
    for head.members in ({"a": ONE, "b": TWO}, {"a": ONE, "b": TWO, "c": ONE}):
        nodes.ask()
        nodes.ask()
    assert asked == [{"b"}, {"c"}]
    assert nodes.remarks == ["node-2 came and is left out"]
    assert nodes.alive == {"a": ONE, "c": ONE}


def test_a_newcomer_that_could_not_be_asked_is_asked_again() -> None:
    head, answers = Head(), [ConnectionError("no answer"), None]

    def admit(newcomers: Members) -> dict[str, str]:
        if error := answers.pop(0):
            raise error
        return {}

    nodes = Nodes(grows=True, look=head.look, died=lambda: "", admit=admit)
    head.members = {"a": ONE, "b": TWO}
    nodes.ask()
    assert nodes.alive == {"a": ONE}
    nodes.ask()
    assert nodes.alive == {"a": ONE, "b": TWO}


def test_a_head_that_is_away_for_a_moment_changes_nothing() -> None:
    head = Head()
    nodes = head.nodes()
    head.away, head.now = True, SILENT - 1
    nodes.ask()
    assert nodes.alive == {"a": ONE}
    assert not nodes.gone
    head.away = False
    nodes.ask()
    head.now += SILENT - 1
    assert not nodes.gone


def test_one_that_stays_away_is_gone() -> None:
    head = Head()
    nodes = head.nodes()
    head.away, head.now = True, SILENT + 1
    nodes.ask()
    assert nodes.gone == "the head of the Ray cluster has not answered for 41 s"


def test_a_ray_of_its_own_is_gone_with_one_of_its_processes_however_slow_it_may_be() -> None:
    head = Head()
    nodes = head.nodes(grows=False)
    head.now = 10 * SILENT
    slow = nodes.gone
    head.dead = "raylet"
    assert [slow, nodes.gone] == ["", "Ray has died under this sweep: its raylet has ended"]


def test_a_thread_looks_where_nodes_may_come() -> None:
    looks = threading.Semaphore(0)

    def look() -> dict[str, Member]:
        looks.release()
        return {"a": ONE}

    with Nodes(grows=True, look=look, every=0.001):
        assert all(looks.acquire(timeout=10) for _ in range(3))


class Scripted:
    """An engine that only counts its slots; what its cluster has changes with each step."""

    def __init__(self, evening: Evening, head: Head, *script: dict[str, Member]) -> None:
        self.foreman = Foreman(evening.study, evening.folder, evening.record)
        self.slots, self.ready, self.late = 4, 4, ""
        self.nodes = head.nodes()
        self.seen = [self.slots]
        self._head, self._script = head, list(script)

    def resize(self, slots: int) -> None:
        self.slots = slots
        self.seen.append(slots)

    def step(self) -> None:
        if not self._script:
            self.foreman.stop("enough")
            return
        self._head.members = self._script.pop(0)
        self.nodes.ask()


def searched(evening: Evening, engine: Scripted) -> Heard:
    """A search with that engine; what is said meanwhile."""
    heard = Heard()
    loop = Loop(evening.study, evening.keeper, heard, StopRequest(), before=0.0)
    loop.search(cast("Engine", engine), engine.nodes)
    return heard


def test_the_number_of_slots_follows_the_cluster(begin: Callable[..., Evening]) -> None:
    evening = begin(trials=None, sampler="random", parameters={"x": {"min": 0.0, "max": 1.0}})
    engine = Scripted(evening, Head(), {}, {"b": TWO}, {"b": TWO, "c": ONE})
    heard = searched(evening, engine)
    assert engine.seen[-3:] == [0, 4, 8]
    assert heard.slots == 8
    assert heard.notes[-3:] == [
        "1 node lost (node-1): 0 slots now",
        "1 node came (node-2): 4 slots now",
        "1 node came (node-1): 8 slots now",
    ]
    assert "no node has room for a trial; it goes on when one comes" in heard.notices


@pytest.mark.parametrize(
    ("changes", "most"), [({}, 6), ({"slots": 3}, 3)], ids=["trials", "slots"]
)
def test_more_nodes_are_no_more_slots_than_wanted(
    begin: Callable[..., Evening], changes: dict[str, Any], most: int
) -> None:
    evening = begin(**changes)  # it has six trials
    engine = Scripted(evening, Head(), {"a": ONE, "b": TWO})
    searched(evening, engine)
    assert engine.slots == most


def test_nothing_is_searched_on_a_ray_that_is_gone(evening: Evening) -> None:
    head = Head()
    engine = Scripted(evening, head)
    head.dead = "gcs_server"
    with pytest.raises(ClusterDownError) as caught:
        searched(evening, engine)
    assert str(caught.value) == (
        "Ray has died under this sweep: its gcs_server has ended; what was recorded is kept: "
        f"nightsweep resume {evening.folder.path}"
    )


@pytest.mark.ray
@pytest.mark.slow
def test_a_sweep_outlives_its_nodes_and_takes_new_ones(tmp_path: Path) -> None:
    """Two nodes of two die, -9; while none has room it waits; two come."""
    script = Path(__file__).with_name("nodes.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    host = socket.gethostname()
    assert found["notes"][:2] == [
        f"1 node lost ({host}): 1 slot now", f"1 node lost ({host}): 0 slots now",
    ]  # fmt: skip
    assert "no node has room for a trial; it goes on when one comes" in found["notices"]
    assert found["slots"] == 2
    assert found["lost"] >= 2
    assert found["went on"] >= 1  # from a checkpoint that another node had written
    assert found["status"] == ["completed"] * 6
    assert found["same"], "another result than on one slot that nobody disturbs"
    assert found["placement groups"] == ["REMOVED"]


@pytest.mark.ray
def test_a_driver_whose_ray_died_says_so_and_can_be_resumed(tmp_path: Path) -> None:
    place = write(tmp_path)
    process = driver(place, "run", "toy.yaml", "--out", "run")
    until_reports(place, 3, process)
    head = next(one for one in offspring(process) if one.name() == "gcs_server")
    os.kill(head.pid, signal.SIGKILL)
    assert process.wait(60) == CLUSTER_DOWN, said(place)
    *_, last = said(place).splitlines()
    assert last == (
        "nightsweep: Ray has died under this sweep: its gcs_server has ended; what was recorded "
        f"is kept: nightsweep resume {place / 'run'}"
    )
    assert "Traceback" not in said(place)
    assert not Results.load(place / "run").ledger.done
