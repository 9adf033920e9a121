"""Jobs that are waited for: they come back when they died, and only then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nightsweep.cluster.jobs.following import decide, follow
from nightsweep.cluster.jobs.site import Job, Standing, State
from nightsweep.cluster.jobs.submit import submit
from nightsweep.cluster.supervise import Again, Over
from nightsweep.cluster.supervise import Standing as Journal
from nightsweep.search.errors import ClusterDownError, NightsweepError
from nightsweep.search.sites import SiteName
from nightsweep.search.sweep import Sweep

SWEEP = Sweep(metric="loss", parameters={"lr": {"min": 0.0, "max": 1.0}})
DIED = Standing(state=State.FAILED, detail="its node died")
DONE = Standing(state=State.DONE, code=0)


class Site:
    """Jobs that end one after the other as `ends` says; `away`: how often nobody answers."""

    name: SiteName = "ray"

    def __init__(self, *ends: Standing, away: int = 0) -> None:
        self.ends = list(ends)
        self.away = away
        self.sent = 0

    def text(self, job: Job) -> str:
        return ""

    def submit(self, job: Job) -> str:
        self.sent += 1
        return f"job-{self.sent}"

    def standing(self, run: Path, id: str) -> Standing:
        if self.away:
            self.away -= 1
            raise ClusterDownError("nobody answers")
        return self.ends[int(id[4:]) - 1]

    def logs(self, run: Path, id: str, *, follow: bool) -> Iterator[str]:
        yield f"{id} began"
        if self.away:
            raise NightsweepError("nobody answers")
        yield f"{id} ended"

    def stop(self, run: Path, id: str) -> str:
        return ""

    def fetch(self, run: Path, id: str) -> str:
        return ""


class Evening:
    """One who waits: what was shown, what was said, how long was slept."""

    def __init__(self, path: Path) -> None:
        (path / "sweep.yaml").write_text("metric: loss\n")
        self.job = Job(sweep=SWEEP, file=path / "sweep.yaml", run=path / "run")
        self.shown: list[str] = []
        self.said: list[str] = []
        self.slept: list[float] = []
        self.asleep: Callable[[], None] = lambda: None

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.asleep()

    def wait(self, site: Site) -> int:
        id = submit(self.job, site).id
        return follow(
            self.job, site, id, show=self.shown.append, say=self.said.append, sleep=self._sleep
        )


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    return Evening(tmp_path)


def test_a_job_that_is_done_ends_the_wait(evening: Evening) -> None:
    site = Site(DONE)
    assert evening.wait(site) == 0
    assert site.sent == 1
    assert evening.shown == ["job-1 began", "job-1 ended"]
    assert evening.said == ["job-1 is done"]


def test_a_job_that_died_is_submitted_again(evening: Evening) -> None:
    site = Site(DIED, DONE)
    assert evening.wait(site) == 0
    assert site.sent == 2
    assert evening.shown[-1] == "job-2 ended"
    assert evening.said[0] == "job-1 is failed: its node died; submitting it again in 1 s"


def test_a_job_that_dies_again_and_again_is_given_up(evening: Evening) -> None:
    site = Site(DIED, DIED, DIED, DIED)
    assert evening.wait(site) == 128 + 9
    assert site.sent == 3
    assert evening.slept == [1.0, 2.0]


def test_one_that_was_stopped_by_hand_stays_stopped(evening: Evening) -> None:
    site = Site(Standing(state=State.STOPPED), DONE)
    assert evening.wait(site) == 75
    assert site.sent == 1


def test_one_that_was_refused_does_not_come_back(evening: Evening) -> None:
    site = Site(Standing(state=State.FAILED, code=2), DONE)
    assert evening.wait(site) == 2
    assert site.sent == 1


def test_a_site_that_is_away_is_waited_for_and_no_line_is_shown_twice(evening: Evening) -> None:
    site = Site(DONE, away=3)
    assert evening.wait(site) == 0
    assert evening.slept == [5.0, 5.0, 5.0]
    assert evening.shown == ["job-1 began"]


def test_a_site_that_stays_away_is_an_error(evening: Evening) -> None:
    with pytest.raises(ClusterDownError):
        evening.wait(Site(DONE, away=10_000))
    assert sum(evening.slept) == pytest.approx(900)


def test_a_log_that_fails_while_the_job_runs_is_asked_for_again(evening: Evening) -> None:
    site = Site(Standing(state=State.RUNNING))

    def end() -> None:
        site.ends = [DONE]

    evening.asleep = end
    assert evening.wait(site) == 0
    assert evening.shown == ["job-1 began", "job-1 ended"]


def test_progress_in_the_journal_begins_the_count_anew() -> None:
    before, now = (
        Journal(begun=True, trained=True, kept=3),
        Journal(begun=True, trained=True, kept=4),
    )
    assert decide(DIED, before=before, now=now, deaths=9) == Again(wait=1.0, deaths=1)
    assert decide(DIED, before=now, now=now, deaths=9) == Over(code=128 + 9, deaths=10)


def test_a_sweep_that_found_nothing_is_done_with_its_own_code() -> None:
    ended = Standing(state=State.DONE, code=1)
    assert decide(ended, before=Journal(), now=Journal(), deaths=0) == Over(code=1)
