"""A sweep is submitted once, and again where it has left off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightsweep.cluster.jobs import record
from nightsweep.cluster.jobs.site import STOPPING, Job, Standing, State
from nightsweep.cluster.jobs.submit import jobs, submit, unfinished
from nightsweep.search.errors import NightsweepError, RunFolderError
from nightsweep.search.sites import SiteName
from nightsweep.search.sweep import Sweep

SWEEP = Sweep(metric="loss", parameters={"lr": {"min": 0.0, "max": 1.0}})


class Fake:
    """A site in memory."""

    def __init__(self, name: SiteName = "slurm", state: State = State.RUNNING) -> None:
        self.name: SiteName = name
        self.state = state
        self.sent: list[Job] = []

    def text(self, job: Job) -> str:
        return "#!/bin/sh\n"

    def submit(self, job: Job) -> str:
        self.sent.append(job)
        return f"{len(self.sent)}"

    def standing(self, run: Path, id: str) -> Standing:
        return Standing(state=self.state)

    def logs(self, run: Path, id: str, *, follow: bool) -> Iterator[str]:
        return iter(())

    def stop(self, run: Path, id: str) -> str:
        return ""

    def fetch(self, run: Path, id: str) -> str:
        return ""


def job(tmp_path: Path, *words: str, run: str = "runs/one") -> Job:
    file = tmp_path / "sweep.yaml"
    if not file.exists():
        file.write_text("metric: loss\n")
    return Job(sweep=SWEEP, file=file, run=tmp_path / run, words=words)


def test_a_job_is_sent_and_remembered_in_its_run_folder(tmp_path: Path) -> None:
    site = Fake()
    done = submit(job(tmp_path, "--trials", "40"), site)
    assert (done.new, done.id, done.site) == (True, "1", "slurm")
    written = json.loads((tmp_path / "runs/one/job/job.json").read_text())
    assert (written["site"], written["words"]) == ("slurm", ["--trials", "40"])
    assert [sent["id"] for sent in written["sent"]] == ["1"]


@pytest.mark.parametrize("state", [State.WAITING, State.RUNNING])
def test_a_job_that_lives_is_not_sent_again(tmp_path: Path, state: State) -> None:
    site = Fake(state=state)
    submit(job(tmp_path), site)
    again = submit(job(tmp_path), site)
    assert (again.new, again.id, again.said) == (False, "1", f"submitted before, and {state}")
    assert len(site.sent) == 1


@pytest.mark.parametrize("state", [State.FAILED, State.STOPPED, State.GONE])
def test_a_job_that_ended_too_soon_is_sent_again_under_a_new_id(
    tmp_path: Path, state: State
) -> None:
    site = Fake(state=state)
    submit(job(tmp_path), site)
    again = submit(job(tmp_path), site)
    assert (again.new, again.id) == (True, "2")
    known = record.read(tmp_path / "runs/one")
    assert known is not None
    assert [sent.id for sent in known.sent] == ["1", "2"]


def test_a_job_that_is_done_is_not_sent_again_unless_with_other_options(tmp_path: Path) -> None:
    site = Fake(state=State.DONE)
    submit(job(tmp_path), site)
    assert not submit(job(tmp_path), site).new
    assert submit(job(tmp_path, "--deadline", "2026-11-24 07:00"), site).new


def test_a_run_is_not_submitted_to_a_second_site_while_it_lives_at_the_first(
    tmp_path: Path,
) -> None:
    first, second = Fake(), Fake("ray")
    submit(job(tmp_path), first)
    message = r"is job 1 at slurm \(running\); stop that first$"
    with pytest.raises(NightsweepError, match=message):
        submit(job(tmp_path), second, earlier=first)
    first.state = State.STOPPED
    assert submit(job(tmp_path), second, earlier=first).new
    known = record.read(tmp_path / "runs/one")
    assert known is not None
    assert (known.site, len(known.sent)) == ("ray", 1)


def test_a_job_that_is_being_stopped_is_not_taken_for_one_that_runs(tmp_path: Path) -> None:
    class Ending(Fake):
        def standing(self, run: Path, id: str) -> Standing:
            return Standing(state=State.RUNNING, detail=STOPPING)

    site = Ending()
    submit(job(tmp_path), site)
    with pytest.raises(NightsweepError, match="being stopped; submit again when it has ended"):
        submit(job(tmp_path), site)
    assert len(site.sent) == 1


def test_what_a_site_refuses_leaves_no_record(tmp_path: Path) -> None:
    class Closed(Fake):
        def submit(self, job: Job) -> str:
            raise NightsweepError("no partition gpu; there are: debug")

    with pytest.raises(NightsweepError, match="no partition gpu"):
        submit(job(tmp_path), Closed())
    assert not (tmp_path / "runs/one").exists()


def test_what_a_site_refuses_leaves_a_run_that_was_there(tmp_path: Path) -> None:
    class Closed(Fake):
        def submit(self, job: Job) -> str:
            raise NightsweepError("no partition gpu; there are: debug")

    (tmp_path / "runs/one").mkdir(parents=True)
    (tmp_path / "runs/one/journal.jsonl").write_text("{}")
    with pytest.raises(NightsweepError, match="no partition gpu"):
        submit(job(tmp_path), Closed())
    assert (tmp_path / "runs/one/journal.jsonl").read_text() == "{}"


def test_the_unfinished_job_of_the_same_sweep_is_gone_on_with(tmp_path: Path) -> None:
    site = Fake(state=State.STOPPED)
    one = job(tmp_path, "--seed", "1")
    submit(one, site)
    runs = jobs(tmp_path / "runs")
    assert unfinished(one.file, ["--seed", "1"], site, runs) == tmp_path / "runs/one"
    assert unfinished(one.file, ["--seed", "2"], site, runs) is None
    assert unfinished(one.file, ["--seed", "1"], Fake("ray"), runs) is None
    site.state = State.DONE
    assert unfinished(one.file, ["--seed", "1"], site, runs) is None


def test_an_edited_file_is_another_sweep(tmp_path: Path) -> None:
    site = Fake()
    one = job(tmp_path)
    submit(one, site)
    one.file.write_text("metric: accuracy\n")
    assert unfinished(one.file, [], site, jobs(tmp_path / "runs")) is None


def test_jobs_are_listed_in_the_order_in_which_they_were_submitted(tmp_path: Path) -> None:
    names = ["runs/c", "runs/a", "runs/b"]
    for day, name in enumerate(names, start=1):
        submit(job(tmp_path, run=name), Fake())
        path = record.path(tmp_path / name)
        values = json.loads(path.read_text())
        values["sent"][0]["at"] = f"2026-11-0{day}T22:00:00+00:00"
        path.write_text(json.dumps(values))
    (tmp_path / "runs/no-job").mkdir()
    assert jobs(tmp_path / "runs") == [tmp_path / name for name in names]


def test_a_record_that_is_damaged_is_said(tmp_path: Path) -> None:
    path = record.path(tmp_path)
    path.parent.mkdir()
    path.write_text('{"site": "moon"}')
    with pytest.raises(RunFolderError, match=r"job\.json cannot be read"):
        record.read(tmp_path)
