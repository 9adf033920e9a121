"""Slurm's --begin with a site that is a test's own; tests/clusters has the real one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from nightsweep.cluster.jobs import record
from nightsweep.cluster.jobs.site import State
from nightsweep.cluster.schedules.program import Ended
from nightsweep.cluster.schedules.slurm import Begin
from nightsweep.cluster.schedules.timer import Entry
from nightsweep.search.sweep import Sweep

from .plan import Elsewhere, at, entry

SWEEP = Sweep(metric="loss", parameters={"x": {"min": 0.0, "max": 1.0}})


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits.yaml").write_text("metric: loss\n")
    made = entry(tmp_path, using="slurm", to="slurm", until="07:00")
    return Entry(schedule=made.schedule, place=made.place, sweep=SWEEP)


def test_the_job_is_submitted_at_once_to_begin_at_its_time(one: Entry) -> None:
    site = Elsewhere("slurm", State.WAITING)
    made = Begin(site=lambda: site).add(one)
    (sent,) = site.sent
    assert datetime.fromisoformat(sent.begin).timestamp() == at("2026-11-20 22:00")
    assert sent.words == ("--deadline", "2026-11-21 07:00 Etc/UTC")
    assert (made.run, made.id) == (sent.run, "job-1")
    known = record.read(sent.run)
    assert known is not None
    assert known.site == "slurm"


def test_a_job_that_waits_is_taken_away_and_one_that_runs_is_left(one: Entry) -> None:
    site = Elsewhere("slurm", State.WAITING)
    begin = Begin(site=lambda: site)
    added = Entry(schedule=begin.add(one), place=one.place)
    assert begin.holds(added)
    assert begin.remove(added) == ""
    site.state = State.RUNNING
    assert begin.remove(added) == "its job is at work, and goes on"
    site.state = State.GONE
    assert begin.remove(added) == "slurm did not know it any more"


def test_a_slurm_that_is_not_there_or_silent_is_a_hindrance() -> None:
    site = Elsewhere("slurm")
    gone = Begin(site=lambda: site, run=lambda words, given: Ended(code=127))
    assert gone.hindrance() == "there is no Slurm: sinfo is not installed"
    err = "slurm_load_partitions: Unable to contact slurm controller"
    silent = Begin(site=lambda: site, run=lambda words, given: Ended(code=1, err=err))
    assert silent.hindrance() == f"Slurm does not answer ({err})"
    assert Begin(site=lambda: site, run=lambda words, given: Ended()).hindrance() == ""
