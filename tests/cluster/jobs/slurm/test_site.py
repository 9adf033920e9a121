"""What is made of Slurm's answers; a real one is in tests/clusters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from nightsweep.cluster.jobs.comeback import stop_file
from nightsweep.cluster.jobs.command import Answer, MissingError
from nightsweep.cluster.jobs.ending import exit_file
from nightsweep.cluster.jobs.site import Job, State
from nightsweep.cluster.jobs.slurm.site import SlurmSite, queued, recorded
from nightsweep.search.errors import ClusterDownError, NightsweepError
from nightsweep.search.sites import Slurm, Submit
from nightsweep.search.sweep import Sweep

SWEEP = Sweep(metric="loss", parameters={"lr": {"min": 0.0, "max": 1.0}})
GONE = Answer(code=1, err="slurm_load_jobs error: Invalid job id specified")
NO_ACCOUNTS = Answer(code=1, err="Slurm accounting storage is disabled")
SINFO = "debug 3 4 8000 (null) infinite\nlong 2 64 256000 gpu:a100:4 1-00:00:00\n"


class Fake:
    """Slurm's commands in memory: what each answers, and what it was asked."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = {"sinfo": Answer(out=SINFO)} | answers
        self.asked: list[Sequence[str]] = []

    def __call__(self, words: Sequence[str], send: str = "") -> Answer:
        self.asked.append(words)
        if words[0] not in self.answers:
            raise MissingError(f"there is no {words[0]} on this machine")
        return self.answers[words[0]]


def job(tmp_path: Path, partition: str | None = None) -> Job:
    asked = Submit(slurm=Slurm(partition=partition))
    return Job(sweep=SWEEP, file=tmp_path / "a.yaml", run=tmp_path / "run", asked=asked)


@pytest.mark.parametrize(
    ("line", "standing"),
    [
        (
            "PENDING|Resources|2026-11-22T23:10:00|",
            "waiting: Resources, expected 2026-11-22 23:10",
        ),
        (
            "PENDING|BeginTime|2026-11-22T22:00:00|",
            "waiting: BeginTime, not before 2026-11-22 22:00",
        ),
        ("PENDING|QOSMaxJobsPerUserLimit|N/A|", "waiting: QOSMaxJobsPerUserLimit"),
        ("RUNNING|None|2026-11-22T22:00:00|n[1-2]", "running: on n[1-2]"),
        ("COMPLETING|None|2026-11-22T22:00:00|n1", "running: on n1"),
        ("SUSPENDED|None|2026-11-22T22:00:00|", "running: suspended"),
    ],
)
def test_a_line_of_the_queue_is_how_the_job_stands(
    tmp_path: Path, line: str, standing: str
) -> None:
    assert str(queued(*line.split("|"))) == standing
    site = SlurmSite(Fake(squeue=Answer(out=line + "\n")))
    assert str(site.standing(tmp_path, "7")) == standing


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("COMPLETED", State.DONE),
        ("CANCELLED by 1000", State.STOPPED),
        ("TIMEOUT", State.FAILED),
        ("OUT_OF_MEMORY", State.FAILED),
        ("SOMETHING_NEW", State.FAILED),
    ],
)
def test_records_say_how_a_job_ended(said: str, state: State) -> None:
    assert recorded(said).state is state
    assert said in recorded(said).detail


def test_of_a_job_that_has_left_its_own_exit_code_counts_most(tmp_path: Path) -> None:
    exit_file(tmp_path).parent.mkdir()
    exit_file(tmp_path).write_text("75\n")
    ended = Answer(out="FAILED|NonZeroExitCode|2026-11-22T22:00:00|n1\n")
    for answer in (ended, GONE, Answer()):
        fake = Fake(squeue=answer, sacct=Answer(out="FAILED\n"))
        assert SlurmSite(fake).standing(tmp_path, "7").state is State.STOPPED


def test_a_job_that_left_nothing_is_known_to_the_queue_or_to_accounting(tmp_path: Path) -> None:
    line = "CANCELLED|None|2026-11-22T22:00:00|\n"
    assert str(SlurmSite(Fake(squeue=Answer(out=line))).standing(tmp_path, "7")) == (
        "stopped: Slurm says CANCELLED"
    )
    accounts = Fake(squeue=GONE, sacct=Answer(out="NODE_FAIL\n"))
    assert str(SlurmSite(accounts).standing(tmp_path, "7")) == "failed: Slurm says NODE_FAIL"
    for fake in (Fake(squeue=GONE, sacct=NO_ACCOUNTS), Fake(squeue=GONE)):
        assert SlurmSite(fake).standing(tmp_path, "7").state is State.GONE


def test_a_controller_that_does_not_answer_is_no_end_of_a_job(tmp_path: Path) -> None:
    down = Answer(code=1, err="slurm_load_jobs error: Unable to contact slurm controller")
    with pytest.raises(ClusterDownError, match=r"how job 7 stands: .*Unable to contact"):
        SlurmSite(Fake(squeue=down)).standing(tmp_path, "7")


def test_what_is_submitted_is_what_was_shown_and_was_tried_first(tmp_path: Path) -> None:
    fake = Fake(sbatch=Answer(out="7;cluster\n"))
    site, one = SlurmSite(fake), job(tmp_path)
    for old in (exit_file, stop_file):
        old(one.run).parent.mkdir(parents=True, exist_ok=True)
        old(one.run).touch()
    assert site.submit(one) == "7"
    script = one.place / "sweep.sbatch"
    assert fake.asked == [["sbatch", "--test-only"], ["sbatch", "--parsable", str(script)]]
    assert script.read_text() == site.text(one)
    assert not exit_file(one.run).exists()
    assert not stop_file(one.run).exists()


@pytest.mark.parametrize(
    ("error", "partition", "message"),
    [
        (
            "sbatch: error: invalid partition specified: nope\n"
            "allocation failure: Invalid partition name specified",
            "nope",
            "Slurm does not take it: allocation failure: Invalid partition name specified "
            "(invalid partition specified: nope); there is no partition nope, but debug, long",
        ),
        (
            "allocation failure: Requested node configuration is not available",
            "long",
            "Slurm does not take it: allocation failure: Requested node configuration is not "
            "available; partition long has 2 nodes with 64 CPUs, 256000 MB and gpu:a100:4, for "
            "1-00:00:00 at most",
        ),
        (
            "sbatch: unrecognized option '--foo'\nTry \"sbatch --help\" for more information",
            None,
            "Slurm does not take it: unrecognized option '--foo'",
        ),
    ],
)
def test_a_refusal_is_one_sentence_with_slurms_words(
    tmp_path: Path, error: str, partition: str, message: str
) -> None:
    site = SlurmSite(Fake(sbatch=Answer(code=1, err=error)))
    for act in (site.text, site.submit):
        with pytest.raises(NightsweepError) as refused:
            act(job(tmp_path, partition))
        assert str(refused.value) == message
    assert not (tmp_path / "run/job/sweep.sbatch").exists()


def test_without_slurm_the_script_is_shown_and_nothing_is_submitted(tmp_path: Path) -> None:
    site = SlurmSite(Fake())
    assert site.text(job(tmp_path)).startswith("#!/bin/bash")
    with pytest.raises(NightsweepError, match=r"no sbatch on this machine; .* a login node"):
        site.submit(job(tmp_path))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("PENDING|Resources|N/A|", ["scancel", "7"]),
        ("RUNNING|None|N/A|n1", ["scancel", "--batch", "--signal=TERM", "7"]),
    ],
)
def test_a_job_is_taken_out_of_the_queue_or_asked_to_save_itself(
    tmp_path: Path, line: str, words: list[str]
) -> None:
    (tmp_path / "job").mkdir()
    fake = Fake(squeue=Answer(out=line), scancel=Answer())
    SlurmSite(fake).stop(tmp_path, "7")
    assert list(fake.asked[-1]) == words
    assert stop_file(tmp_path).exists()


def test_logs_end_when_the_job_has_ended_and_ask_slurm_seldom(tmp_path: Path) -> None:
    exit_file(tmp_path).parent.mkdir()
    (tmp_path / "job/output.log").write_text("one\n")
    running = "RUNNING|None|2026-11-22T22:00:00|n1"
    fake = Fake(squeue=Answer(out=running))
    lines = SlurmSite(fake).logs(tmp_path, "7", follow=True)
    assert next(lines) == "one"
    for word in ("two", "three"):
        with (tmp_path / "job/output.log").open("a") as out:
            out.write(f"{word}\n")
        assert next(lines) == word
    assert len(fake.asked) == 1
    fake.answers["squeue"] = GONE
    exit_file(tmp_path).write_text("0\n")
    assert list(lines) == []
    assert list(SlurmSite(fake).logs(tmp_path, "7", follow=False)) == ["one", "two", "three"]
