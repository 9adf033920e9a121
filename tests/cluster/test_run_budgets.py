"""Which deadline a driver has, and a budget that is used up before it begins: without Ray."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nightsweep.cluster import show
from nightsweep.cluster.run import resume, start
from nightsweep.search.deadline import Deadline
from nightsweep.search.errors import SweepError
from nightsweep.search.events import Closed, Due, Opened
from nightsweep.search.journal import read
from nightsweep.search.results import Results
from nightsweep.search.sweep import Sweep

if TYPE_CHECKING:
    from tests.cluster.conftest import Evening
    from tests.conftest import Command

HOUR = 3600.0


def train(config: dict[str, Any], trial: Any) -> None:
    """Never called."""
    raise AssertionError


def clock(moment: float) -> str:
    """A time of day in UTC, as deadlines are written."""
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M} UTC"


def dues(run: Path) -> list[float]:
    """The deadlines of all drivers so far."""
    events = [entry.event for entry in read(run / "journal.jsonl")]
    return [event.at for event in events if isinstance(event, Due)]


@pytest.fixture
def used_up(begin: Callable[..., Evening]) -> Evening:
    """A run whose driver was killed after more time than the sweep has."""
    evening = begin(time="2s")
    evening.search(most=3)
    evening.keeper.close()
    return evening


def test_a_budget_that_is_used_up_ends_a_run_before_ray_is_started(used_up: Evening) -> None:
    results = resume(used_up.folder.path, train)
    assert results.ledger.done
    assert results.ledger.ended_because == "its time of 2 s is over"
    closed = [e.event for e in read(used_up.folder.journal) if isinstance(e.event, Closed)]
    assert [event.elapsed for event in closed] == [0.0]


def test_a_driver_that_comes_too_late_does_not_take_the_next_morning(
    begin: Callable[..., Evening],
) -> None:
    ago = time.time() - 300.0
    evening = begin(deadline=clock(ago))
    evening.search(most=1)
    evening.record(Due(at=ago))
    evening.keeper.close()
    results = resume(evening.folder.path, train)
    assert results.ledger.ended_because == f"its time until {clock(ago)} is over"
    assert dues(evening.folder.path) == [ago, ago]


def test_nor_does_a_change_to_the_same_deadline_that_a_supervisor_repeats(
    begin: Callable[..., Evening],
) -> None:
    ago = time.time() - 300.0
    evening = begin(deadline=clock(ago))
    evening.record(Due(at=ago))
    evening.keeper.close()
    resume(evening.folder.path, train, changes={"deadline": clock(ago)})
    assert dues(evening.folder.path) == [ago, ago]


@pytest.mark.parametrize("changes", [{}, {"deadline": "another"}], ids=["done", "changed"])
def test_a_run_that_is_done_or_has_another_deadline_takes_the_next(
    begin: Callable[..., Evening], changes: dict[str, str]
) -> None:
    ago = time.time() - 300.0
    evening = begin(deadline=clock(ago), time="2s")  # it is over, so that no search begins
    evening.search(most=3)
    evening.record(Due(at=ago))
    if changes:
        changes = {"deadline": clock(ago - HOUR)}
        evening.keeper.close()
    else:
        evening.close(done=True, reason="its time is over")
    resume(evening.folder.path, train, changes=changes)
    wanted = Deadline.parse(changes.get("deadline", clock(ago))).after(time.time())
    assert dues(evening.folder.path) == [ago, wanted]
    assert wanted > time.time() + 20 * HOUR


def test_a_deadline_that_has_passed_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    sweep = Sweep(
        metric="loss", parameters={"x": {"min": 0, "max": 9}}, deadline="2020-01-01 07:00"
    )
    with pytest.raises(SweepError, match=r"deadline: 2020-01-01 07:00 has passed; give a later"):
        start(sweep, train, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_report_says_what_each_budget_had_left(begin: Callable[..., Evening]) -> None:
    evening = begin(time="9h", deadline="07:00 UTC", patience=5)
    evening.record(Due(at=1_700_000_000.0 + 9 * HOUR))
    evening.search()
    evening.close()
    results = Results.load(evening.folder.path)
    left = [round(budget.left) for budget in results.budgets()]
    assert [budget.key for budget in results.budgets()] == [
        "time", "deadline", "patience", "trials",
    ]  # fmt: skip
    assert left[0] == 9 * HOUR - 120
    assert 9 * HOUR - 100 < left[1] < 9 * HOUR
    assert left[2:] == [1, 0]
    assert results.summary().splitlines()[2] == (
        "Left of its budgets: 8 h 58 min of 9 h 0 min, 9 h 0 min until 07:00 UTC, "
        "1 of 5 trials of patience, 0 of 6 trials."
    )
    assert results.as_json()["budgets"] == {b.key: b.left for b in results.budgets()}


def test_gpu_hours_of_a_run_that_was_read_are_counted(begin: Callable[..., Evening]) -> None:
    evening = begin(gpu_hours=1, resources={"gpus": 2})
    evening.search()
    evening.close()
    spent = Results.load(evening.folder.path).ledger.spent()
    assert spent.gpu > 0
    assert spent.busy == 0


def test_the_status_of_a_run_tells_what_is_left(
    nightsweep: Command, begin: Callable[..., Evening]
) -> None:
    evening = begin(time="9h", patience=4)
    evening.search()
    evening.close()
    told = nightsweep("status", "run")
    assert "left of its budgets: 8 h 58 min of 9 h 0 min, 0 of 4 trials of patience" in told.out
    assert show.driver(Results.load(evening.folder.path)) == "ended"


@pytest.mark.parametrize("command", ["run", "resume"])
def test_a_wrong_deadline_on_the_command_line_is_one_sentence(
    nightsweep: Command, finished: Evening, tmp_path: Path, command: str
) -> None:
    told = nightsweep(command, "run", "--deadline", "soon")
    assert (told.code, told.out) == (2, "")
    assert told.err == (
        'nightsweep: --deadline: \'soon\' is no deadline; write "07:00", "07:00 Europe/Berlin" '
        'or "2026-11-23 07:00"\n'
    )


def test_a_new_driver_writes_down_when_its_deadline_is(begin: Callable[..., Evening]) -> None:
    evening = begin(deadline="07:00 UTC", time="1s")
    evening.search(most=2)
    evening.keeper.close()
    before = time.time()
    resume(evening.folder.path, train)
    (due,) = dues(evening.folder.path)
    assert due == Deadline.parse("07:00 UTC").after(before)
    opened = [e for e in read(evening.folder.journal) if isinstance(e.event, Opened)]
    assert len(opened) == 2
