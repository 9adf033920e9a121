"""Jobs on a Ray cluster: what is posted, what comes of it; the jobs server is a fake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from nightsweep.cluster.jobs import parcel, record
from nightsweep.cluster.jobs.rayjobs.package import Package
from nightsweep.cluster.jobs.rayjobs.server import (
    JobsServer,
    NoJobError,
    NotReadyError,
    TakenError,
)
from nightsweep.cluster.jobs.rayjobs.site import RaySite
from nightsweep.cluster.jobs.site import Job, Standing, State
from nightsweep.cluster.jobs.submit import submit
from nightsweep.search.errors import NightsweepError, RunFolderError
from nightsweep.search.sites import Ray, Submit
from nightsweep.search.sweep import Sweep

VERSION = "2.60.7"  # of the same minor as ours
ADDRESS = "http://head:8265"
OURS = Package(what="nightsweep 0", names=frozenset({"x"}), data=b"PK", digest="0" * 32)


def info(status: str = "RUNNING", code: int | None = None, message: str = "") -> dict[str, Any]:
    return {"status": status, "driver_exit_code": code, "message": message, "metadata": {}}


class Cluster(JobsServer):
    """A jobs server in memory: its jobs, their logs, and what was done to them."""

    def __init__(self, ray: str = VERSION) -> None:
        super().__init__(ADDRESS)
        self.ray = ray
        self.unready = 0
        self.jobs: dict[str, dict[str, Any]] = {}
        self.printed: dict[str, str] = {}
        self.packages: dict[str, bytes] = {}
        self.posted: list[Mapping[str, Any]] = []
        self.stopped: list[str] = []
        self.forgotten: list[str] = []
        self.then: Callable[[str], None] = lambda id: None
        self.slow: Callable[[], None] = lambda: None

    def version(self) -> str:
        return self.ray

    def submit(self, request: Mapping[str, Any]) -> str:
        id = str(request["submission_id"])
        if self.unready:
            self.unready -= 1
            raise NotReadyError("try again later")
        if id in self.jobs:
            raise TakenError(f"{id} already exists")
        self.posted.append(request)
        self.jobs[id] = info("PENDING") | {"metadata": request.get("metadata")}
        self.then(id)
        return id

    def info(self, id: str) -> dict[str, Any]:
        if id not in self.jobs:
            raise NoJobError(f"Job {id} does not exist")
        return self.jobs[id]

    def logs(self, id: str) -> str:
        self.slow()
        return self.printed.get(id, "")

    def stop(self, id: str) -> None:
        self.stopped.append(id)

    def forget(self, id: str) -> None:
        self.forgotten.append(id)

    def has(self, package: str) -> bool:
        return package in self.packages

    def put(self, package: str, data: bytes) -> None:
        self.packages[package] = data

    def set(self, id: str, *args: Any) -> None:
        self.jobs[id] = self.jobs[id] | {
            key: value for key, value in info(*args).items() if key != "metadata"
        }


class Case:
    """A project with a sweep, a cluster, and its site, in which a sleep lets something happen."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cluster = Cluster()
        self.events: list[Callable[[], None]] = []
        self.slept: list[float] = []
        self.time = 0.0
        self.site = RaySite(
            lambda given: self.cluster, lambda: OURS, self._sleep, lambda: self.time
        )
        (path / "fit.py").write_text("def train(config, trial): ...\n")
        (path / "sweep.yaml").write_text("name: fit\n")

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        if self.events:
            self.events.pop(0)()

    def job(self, train: str = "fit.py:train", *words: str, **asked: Any) -> Job:
        sweep = Sweep(metric="loss", train=train, parameters={"lr": {"min": 0.0, "max": 1.0}})
        return Job(
            sweep=sweep,
            file=self.path / "sweep.yaml",
            run=self.path / "runs" / "fit-1",
            words=words,
            asked=Submit(ray=Ray(**asked)),
        )

    def submitted(self, **asked: Any) -> tuple[Path, str]:
        """The run and the id of a job that was submitted."""
        done = submit(self.job(**asked), self.site)
        return done.run, done.id

    def standing(self, *args: Any) -> Standing:
        run, id = self.submitted()
        self.cluster.set(id, *args)
        return self.site.standing(run, id)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_what_is_posted_is_what_was_shown(case: Case) -> None:
    shown = case.site.text(case.job())
    run, id = case.submitted()
    assert (run / "job" / "ray.yaml").read_text() == shown
    assert yaml.safe_load(shown) == {"address": ADDRESS, "request": case.cluster.posted[0]}
    assert id == case.cluster.posted[0]["submission_id"]


def test_the_job_runs_the_sweep_and_goes_on_with_it_when_it_has_begun(case: Case) -> None:
    request = yaml.safe_load(case.site.text(case.job("fit.py:train", "--trials", "9")))["request"]
    assert request["entrypoint"] == (
        f"exec python -m nightsweep run sweep.yaml --out {case.path}/runs/fit-1 --resume "
        "--keep-going --address auto --trials 9"
    )


def test_the_folder_and_nightsweep_are_uploaded_once(case: Case) -> None:
    _, id = case.submitted()
    sent = case.cluster.posted[0]["runtime_env"]
    uris = {sent["working_dir"], *sent["py_modules"]}
    assert {f"gcs://{name}" for name in case.cluster.packages} == uris
    case.cluster.packages = dict.fromkeys(case.cluster.packages, b"there")
    case.cluster.set(id, "STOPPED")
    case.submitted()
    assert set(case.cluster.packages.values()) == {b"there"}


def test_nothing_is_installed_there(case: Case) -> None:
    case.submitted()
    assert set(case.cluster.posted[0]["runtime_env"]) == {"working_dir", "py_modules", "env_vars"}


def test_a_job_that_is_stopped_has_a_minute_to_save_its_trials(case: Case) -> None:
    case.submitted()
    env = case.cluster.posted[0]["runtime_env"]["env_vars"]
    assert env == {"RAY_JOB_STOP_WAIT_TIME_S": "60"}


def test_runs_may_lie_elsewhere_there(case: Case) -> None:
    case.submitted(runs="/shared/runs")
    assert "--out /shared/runs/fit-1 " in case.cluster.posted[0]["entrypoint"]


def test_the_driver_asks_for_nothing_unless_it_is_told_to(case: Case) -> None:
    assert not any("num_" in key for key in yaml.safe_load(case.site.text(case.job()))["request"])
    asked = case.job(cpus=1, resources={"on_demand": 1})
    request = yaml.safe_load(case.site.text(asked))["request"]
    assert request["entrypoint_num_cpus"] == 1
    assert request["entrypoint_resources"] == {"on_demand": 1}


def test_setup_comes_before_the_command_in_bash(case: Case) -> None:
    asked = case.job(setup=["source /venv/bin/activate", "module load cuda"])
    entry = yaml.safe_load(case.site.text(asked))["request"]["entrypoint"]
    assert entry.startswith("exec bash -c 'source /venv/bin/activate && module load cuda && exec ")


def test_a_job_that_cannot_begin_later_says_what_can(case: Case) -> None:
    job = case.job()
    later = Job(sweep=job.sweep, file=job.file, run=job.run, begin="2026-11-22T22:00:00")
    with pytest.raises(NightsweepError, match="nightsweep schedule"):
        case.site.text(later)


def test_code_that_would_stay_at_home_is_named(case: Case) -> None:
    (case.path / ".gitignore").write_text("fit.py\n")
    with pytest.raises(NightsweepError, match=r"fit\.py would not be sent to the cluster"):
        case.site.text(case.job())
    with pytest.raises(NightsweepError, match=r"other/fit\.py would not be sent"):
        case.site.text(case.job("../other/fit.py:train"))


@pytest.mark.parametrize("key", ["data", "from"])
def test_what_the_sweep_reads_from_its_own_folder_must_be_sent(case: Case, key: str) -> None:
    def text(path: str) -> str:
        values = {"metric": "loss", "train": "fit.py:train", key: [path]}
        sweep = Sweep(parameters={"lr": {"min": 0.0, "max": 1.0}}, **values)
        return case.site.text(replace(case.job(), sweep=sweep))

    with pytest.raises(NightsweepError, match=r"images would not be sent to the cluster"):
        text("images")
    (case.path / "images").mkdir()
    (case.path / "images" / "1.png").touch()
    assert "3 files" in text("images")
    assert "3 files" in text("/cluster/images")


def test_a_module_of_the_current_folder_brings_that_folder(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").touch()
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "sweep.yaml").write_text("name: fit\n")
    monkeypatch.chdir(tmp_path)
    job = case.job("mine:train")
    text = case.site.text(Job(sweep=job.sweep, file=tmp_path / "conf/sweep.yaml", run=job.run))
    assert "-m nightsweep run conf/sweep.yaml " in text
    assert f"{tmp_path}: 4 files" in text


def test_the_current_folder_does_not_travel_for_code_that_is_beside_the_sweep_file(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path.parent)
    for train in ("fit.py:train", "fit:train", "nightsweep.trainables.digits:train"):
        assert f"{tmp_path}: 2 files" in case.site.text(case.job(train))


def test_another_ray_there_is_refused_with_both_versions(case: Case) -> None:
    case.cluster = Cluster(ray="2.49.1")
    with pytest.raises(NightsweepError, match=r"has Ray 2\.49\.1, .* made for Ray 2\.60"):
        case.submitted()
    assert case.cluster.posted == []
    assert case.cluster.packages == {}


def test_a_head_that_has_just_been_started_is_waited_for(case: Case) -> None:
    case.cluster.unready = 3
    case.submitted()
    assert case.slept == [0.5, 0.5, 0.5]
    assert len(case.cluster.posted) == 1


def test_a_head_that_never_gets_ready_is_an_error(case: Case) -> None:
    case.cluster.unready = 1000
    with pytest.raises(NotReadyError):
        case.submitted()
    assert sum(case.slept) < 35


def test_each_submission_has_an_id_of_its_own(case: Case) -> None:
    _, first = case.submitted()
    case.cluster.set(first, "STOPPED")
    _, second = case.submitted()
    assert (first[-2:], second[-2:]) == ("-1", "-2")
    assert first[:-1] == second[:-1]


def test_one_that_lives_is_not_submitted_again(case: Case) -> None:
    _, first = case.submitted()
    done = submit(case.job(), case.site)
    assert (done.new, done.id) == (False, first)
    assert len(case.cluster.posted) == 1


def test_a_submission_whose_answer_was_lost_is_not_made_twice(case: Case) -> None:
    run, first = case.submitted()
    record.path(run).unlink()
    assert case.submitted() == (run, first)
    assert len(case.cluster.posted) == 1


def test_an_old_job_of_a_folder_that_was_removed_is_not_taken_for_the_new_one(case: Case) -> None:
    run, first = case.submitted()
    record.path(run).unlink()
    case.cluster.set(first, "SUCCEEDED")
    assert case.submitted() == (run, first[:-1] + "2")


@pytest.mark.parametrize(
    ("said", "state", "detail"),
    [
        (("PENDING", None, "It may be waiting for resources (CPUs"), "waiting", "for resources"),
        (("PENDING", None, "or for the runtime environment"), "waiting", "for its environment"),
        (("RUNNING",), "running", ""),
        (("SUCCEEDED", 0), "done", ""),
        (("STOPPED",), "stopped", "nightsweep submit goes on"),
        (("FAILED", 75), "stopped", "nightsweep submit goes on"),
        (("FAILED", 2, "nightsweep: no such file"), "failed", "its log says why"),
        (("FAILED", 1, "no trial has reported a finite value"), "done", "finite value"),
        (("FAILED", 1, "Traceback (most recent call last)"), "failed", "exit code 1"),
        (("FAILED", 1, "giving up, since that came 3 times"), "failed", "exit code 1"),
        (("FAILED", None, "Job supervisor actor died: x"), "failed", "actor died: x; submit"),
        (("FAILED", 127, "sh: python: not found"), "failed", "no `python` there"),
        (("FAILED", 1, "No module named 'optuna'"), "failed", "has no optuna: install"),
    ],
)
def test_how_a_job_stands(case: Case, said: tuple[Any, ...], state: str, detail: str) -> None:
    standing = case.standing(*said)
    assert standing.state == state
    assert detail in standing.detail


def test_a_job_that_the_cluster_has_forgotten_is_gone(case: Case) -> None:
    run, id = case.submitted()
    case.cluster.jobs.clear()
    assert case.site.standing(run, id).state is State.GONE


def test_a_run_whose_submission_is_not_there_is_said(case: Case) -> None:
    run, id = case.submitted()
    (run / "job" / "ray.yaml").unlink()
    with pytest.raises(RunFolderError, match=r"ray\.yaml cannot be read: No such file"):
        case.site.standing(run, id)


def test_logs_are_followed_line_by_line_to_the_end(case: Case) -> None:
    run, id = case.submitted()
    case.cluster.set(id, "RUNNING")
    case.cluster.printed[id] = "one\ntw"

    def more() -> None:
        case.cluster.printed[id] = "one\ntwo\nthree"

    def end() -> None:
        case.cluster.printed[id] = "one\ntwo\nthree\nfour"
        case.cluster.set(id, "SUCCEEDED", 0)

    case.events = [more, end]
    assert list(case.site.logs(run, id, follow=True)) == ["one", "two", "three", "four"]


def test_a_log_that_is_slow_to_come_is_asked_for_less_often(case: Case) -> None:
    run, id = case.submitted()
    case.cluster.set(id, "RUNNING")

    def slow() -> None:
        case.time += 2.0

    case.cluster.slow = slow
    case.events = [lambda: case.cluster.set(id, "SUCCEEDED", 0)]
    list(case.site.logs(run, id, follow=True))
    assert case.slept == [20.0]


def test_without_following_the_log_is_printed_as_it_is(case: Case) -> None:
    run, id = case.submitted()
    case.cluster.printed[id] = "one\ntw"
    assert list(case.site.logs(run, id, follow=False)) == ["one", "tw"]
    assert case.slept == []


def test_a_stop_waits_until_the_trials_are_saved(case: Case) -> None:
    run, id = case.submitted()
    case.cluster.set(id, "RUNNING")

    def end() -> None:
        case.cluster.printed[id] = "to go on: nightsweep resume runs/fit-1\n"
        case.cluster.set(id, "STOPPED")

    case.events = [lambda: None, end]
    assert case.site.stop(run, id) == f"{id} is stopped; its trials are saved"
    assert case.cluster.stopped == [id]


def test_a_stop_that_ended_without_saving_does_not_claim_it(case: Case) -> None:
    run, id = case.submitted()
    case.cluster.set(id, "RUNNING")
    case.events = [lambda: case.cluster.set(id, "STOPPED")]
    assert case.site.stop(run, id) == f"{id} is stopped"


def test_a_stop_of_a_job_that_waits_says_that_ray_cannot_take_it_back(case: Case) -> None:
    run, id = case.submitted()
    assert "stopped as soon as it has them" in case.site.stop(run, id)
    assert case.cluster.stopped == [id]


def away(case: Case, id: str, *, fails: str = "") -> Path:
    """A run folder at the cluster, and a cluster that prints it when a job asks for that."""
    there = case.path / "there" / "fit-1"
    (there / "best").mkdir(parents=True)
    (there / "journal.jsonl").write_text('{"event":"opened"}\n')
    (there / "sweep.json").write_text('{"format": 2}')
    (there / "best" / "best.json").write_text("{}")

    def print_it(id: str) -> None:
        case.cluster.printed[id] = "\n".join(["Runtime env is setting up.", *parcel.write(there)])
        case.cluster.set(id, *(("FAILED", 2, fails) if fails else ("SUCCEEDED", 0)))

    case.cluster.then = print_it
    return there


def test_results_are_fetched_by_a_job_that_prints_them_and_is_forgotten(case: Case) -> None:
    run, id = case.submitted(runs=f"{case.path}/there")
    there = away(case, id)
    said = case.site.fetch(run, id)
    assert said == f"3 files of {there}, without its trials' checkpoints, are in {run}"
    assert (run / "journal.jsonl").read_text() == '{"event":"opened"}\n'
    asked = case.cluster.posted[-1]
    assert asked["entrypoint"].endswith(f"python -m nightsweep.cluster.jobs.parcel {there}")
    assert case.cluster.forgotten == [asked["submission_id"]]


def test_what_lies_here_already_is_not_fetched(case: Case) -> None:
    run, id = case.submitted()
    for name in ("journal.jsonl", "sweep.json"):
        (run / name).write_text("{}")
    assert case.site.fetch(run, id) == f"{run} is on this machine already"
    assert len(case.cluster.posted) == 1


def test_a_folder_at_the_same_path_on_another_machine_is_fetched_each_time(case: Case) -> None:
    run, id = case.submitted()
    there = away(case, id)

    def print_it(id: str) -> None:
        case.cluster.printed[id] = "\n".join(parcel.write(there))
        case.cluster.set(id, "SUCCEEDED", 0)

    case.cluster.then = print_it
    case.site.fetch(run, id)
    with (there / "journal.jsonl").open("a") as journal:
        journal.write('{"event":"closed"}\n')
    case.site.fetch(run, id)
    assert (run / "journal.jsonl").read_text().endswith('{"event":"closed"}\n')


def test_why_results_cannot_be_fetched_is_said_in_a_line(case: Case) -> None:
    run, id = case.submitted(runs=f"{case.path}/there")
    away(case, id, fails="last available logs:\nnightsweep: /there/fit-1 is not a folder\n")
    with pytest.raises(NightsweepError, match="cannot be fetched: /there/fit-1 is not a folder"):
        case.site.fetch(run, id)
    assert not (run / "journal.jsonl").exists()


def test_a_fetch_that_finds_no_room_is_given_up(case: Case) -> None:
    run, id = case.submitted(runs="/there")
    with pytest.raises(NightsweepError, match="is waiting: for resources; fetch again"):
        case.site.fetch(run, id)
    assert case.cluster.stopped == [case.cluster.posted[-1]["submission_id"]]
