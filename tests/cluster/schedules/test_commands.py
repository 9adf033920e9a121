"""The commands with a crontab that is a file, and a cron that runs because the test says so."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nightsweep.cluster.schedules import asked, starts
from nightsweep.cluster.schedules.asked import Asked
from nightsweep.cluster.schedules.cron import Cron
from nightsweep.cluster.schedules.schedule import Place, Using
from nightsweep.cluster.schedules.systemd import Systemd
from nightsweep.cluster.schedules.timer import Timer
from nightsweep.search.errors import NightsweepError

from ..conftest import Evening

if TYPE_CHECKING:
    from tests.conftest import Command

SWEEP = "train: fit.py:train\nmetric: loss\nparameters: {lr: {min: 0.0, max: 1.0}}\n"
CRONTAB = """\
#!{python} -IS
import sys
from pathlib import Path
file = Path({file!r})
match sys.argv[1:]:
    case ["-l"] if file.exists():
        print(file.read_text(), end="")
    case ["-l"]:
        sys.exit("no crontab for ann")
    case ["-r"]:
        file.unlink()
    case ["-"]:
        file.write_text(sys.stdin.read())
"""


@pytest.fixture
def crontab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The crontab's file, with a sweep file beside it, and nobody's other schedules."""
    (tmp_path / "fit.py").write_text("def train(config, trial): ...\n")
    (tmp_path / "digits.yaml").write_text(SWEEP)
    file, program = tmp_path / "crontab.txt", tmp_path / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text(CRONTAB.format(python=sys.executable, file=str(file)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "Etc/UTC")
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return file


@pytest.fixture
def schedule(crontab: Path, tmp_path: Path, nightsweep: Command) -> Callable[..., Place]:
    """Schedules the digits by cron, as the command does where one runs."""
    timers: dict[Using, Timer] = {
        "cron": Cron(alive=lambda: True, zone="Etc/UTC"),
        "systemd": Systemd(tmp_path, lambda words, given: asked_nobody()),
    }

    def put(**words: Any) -> Place:
        given = Asked(**{"at": "22:00", "using": "cron"} | words)
        found = asked.chosen(Path("digits.yaml"), given, timers, os.environ, time.time())
        return asked.put(found, os.environ).place

    return put


def asked_nobody() -> Any:
    raise AssertionError("systemd was asked")


def refused(told: tuple[int, str, str]) -> str:
    code, out, err = told
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    return err.removeprefix("nightsweep: ").rstrip()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--at", "25:00"], "--at '25:00' is no time of the day; write 00:00 to 23:59"),
        (["--at", "22:00", "--until", "7"], "--until '7' is no time of the day; write 00:00"),
        (["--at", "22:00", "--until", "22:00"], "--until 22:00 is when it starts; without it a"),
        (["--at", "22:00", "--days", "weekdays"], "--days 'weekdays': 'weekdays' is no day"),
        (["--at", "22:00", "--zone", "Europe/Berln"], "'Europe/Berln' is no time zone; did you"),
        (["--at", "22:00", "--to", "slrm"], "--to 'slrm': write local, ray, slurm, kubernetes. D"),
        (
            ["--at", "22:00", "--using", "corn"],
            "--using 'corn': write systemd, cron, scr",
        ),
        (["--at", "22:00", "--using", "slurm", "--to", "ray"], "--using slurm starts jobs of its"),
        (["--at", "22:00", "--using", "slurm", "--days", "mon"], "--using slurm waits in the que"),
        (
            ["--at", "22:00", "--using", "slurm", "--warm-start"],
            "--warm-start needs a new run for",
        ),
        (["--at", "22:00", "--name", "../x"], "--name '../x': a schedule's name has letters"),
    ],
)
def test_wrong_words_are_refused_in_one_sentence(
    nightsweep: Command, crontab: Path, words: list[str], said: str
) -> None:
    told = nightsweep("schedule", "digits.yaml", "--using", "cron", *words, "--dry-run")
    assert refused(told).startswith(said)
    assert not crontab.exists()


@pytest.mark.parametrize(
    ("to", "submit"),
    [("kubernetes", "{}"), ("ray", '{ray: {address: "http://head:8265", runs: /shared}}')],
)
def test_a_warm_start_is_refused_where_the_earlier_run_lies_elsewhere(
    schedule: Callable[..., Place], crontab: Path, to: str, submit: str
) -> None:
    Path("digits.yaml").write_text(f"{SWEEP}submit: {submit}\n")
    with pytest.raises(NightsweepError) as caught:
        schedule(to=to, warm_start=True)
    assert str(caught.value) == (
        "--warm-start needs the earlier run where the new one is, and runs lie elsewhere with "
        f"--to {to}; leave it out, or write from: in the sweep file"
    )
    assert not crontab.exists()


def test_and_taken_where_a_cluster_sees_the_same_folders(schedule: Callable[..., Place]) -> None:
    assert schedule(to="ray", warm_start=True).read().warm_start


def test_a_sweep_that_could_not_start_tonight_is_refused_this_evening(
    nightsweep: Command, crontab: Path
) -> None:
    Path("digits.yaml").write_text(SWEEP.replace("fit.py", "gone.py"))
    told = nightsweep("schedule", "digits.yaml", "--at", "22:00", "--using", "cron", "--dry-run")
    assert "gone.py" in refused(told)


def test_a_night_in_which_the_first_rung_cannot_end_is_refused(
    nightsweep: Command, crontab: Path, tmp_path: Path
) -> None:
    slow = SWEEP + "max_epochs: 400\nscheduler: {name: asha, grace: 200}\n"
    Path("digits.yaml").write_text(slow)
    Path("runs").mkdir()
    earlier = Evening(tmp_path / "runs" / "earlier")
    earlier.search(most=2)  # half a second an epoch
    earlier.write_header(source=str(tmp_path / "digits.yaml"))
    words = ["--at", "22:00", "--until", "22:01", "--using", "cron", "--dry-run"]
    assert refused(nightsweep("schedule", "digits.yaml", *words)) == (
        "--until 22:01: from 22:00 that is 60 s, and the first rung (200 epochs) takes 2 min: an "
        "epoch took 0.5 s in runs/earlier; write --until 22:03 or later"
    )


def test_a_dry_run_prints_all_that_would_be_written_and_writes_nothing(
    nightsweep: Command, crontab: Path, tmp_path: Path, schedule: Callable[..., Place]
) -> None:
    words = ["--at", "22:00", "--until", "07:00", "--days", "mon-fri"]
    told = nightsweep("schedule", "digits.yaml", *words, "--using", "cron", "--dry-run")
    assert (told.code, told.err) == (0, "")
    assert not crontab.exists()
    assert not (tmp_path / ".local").exists()
    place = schedule(until="07:00", days="mon-fri")
    expected = f"# in the crontab\n{crontab.read_text()}\n# {place.script}\n"
    assert told.out == expected + place.script.read_text()
    assert place.script.stat().st_mode & 0o777 == 0o700
    assert place.path.stat().st_mode & 0o777 == 0o700


def test_the_list_tells_the_next_start_and_what_came_of_the_last(
    nightsweep: Command, schedule: Callable[..., Place]
) -> None:
    assert nightsweep("schedules").out.startswith("nothing is scheduled")
    place = schedule(until="07:00")
    start = starts.Start(at=1_700_000_000.0, run=str(Path.cwd() / "runs" / "digits-1"))
    starts.add(place.starts, start)
    starts.ended(place.starts, start, "", start.at + 60, 75)
    (found,) = json.loads(nightsweep("schedules", "--json").out)
    assert (found["name"], found["hours"]) == ("digits", "22:00-07:00 daily Etc/UTC")
    assert found["result"] == "not done yet, in runs/digits-1"
    assert 0 < found["next"] - time.time() <= 86400
    assert len(found["missed"]) > 700
    lines = nightsweep("schedules").out.splitlines()
    assert lines[0] == "digits: digits.yaml at 22:00-07:00 daily Etc/UTC, by cron"
    assert lines[2] == "  last start Tue 2023-11-14 22:13: not done yet, in runs/digits-1"


def test_a_line_that_somebody_took_out_of_the_crontab_is_told(
    nightsweep: Command, schedule: Callable[..., Place], crontab: Path
) -> None:
    schedule()
    crontab.write_text("0 3 * * * backup\n")
    (found,) = json.loads(nightsweep("schedules", "--json").out)
    assert found["wrong"]
    told = nightsweep("unschedule", "digits")
    assert told.out == (
        "digits is scheduled no more (cron did not know it any more); its run folders stay\n"
    )


def test_unschedule_removes_its_own_line_and_folder_and_nothing_else(
    nightsweep: Command, schedule: Callable[..., Place], crontab: Path
) -> None:
    crontab.write_text("# mine\n0 3 * * * backup\n")
    one, other = schedule(), schedule(name="other")
    assert nightsweep("unschedule", "digits").out == (
        "digits is scheduled no more; its run folders stay\n"
    )
    assert not one.path.exists()
    assert other.record.exists()
    nightsweep("unschedule", "other")
    assert crontab.read_text() == "# mine\n0 3 * * * backup\n"


def test_a_name_that_is_not_scheduled_is_refused_with_those_that_are(
    nightsweep: Command, schedule: Callable[..., Place]
) -> None:
    assert refused(nightsweep("unschedule", "digits")) == (
        "digits is not scheduled: nothing is; nightsweep schedule begins"
    )
    schedule()
    said = 'digit is not scheduled; what is: digits; did you mean "digits"?'
    assert refused(nightsweep("unschedule", "digit")) == said
    assert refused(nightsweep("tonight", "digit")) == said


def test_a_name_is_given_once(schedule: Callable[..., Place]) -> None:
    schedule(until="07:00")
    with pytest.raises(NightsweepError) as caught:
        schedule()
    assert str(caught.value).startswith(
        "digits is scheduled already (22:00-07:00 daily Etc/UTC); nightsweep unschedule digits"
    )


def test_a_timer_that_fails_leaves_nothing_behind(
    schedule: Callable[..., Place], crontab: Path, tmp_path: Path
) -> None:
    crontab.write_text("# mine\n")
    crontab.chmod(0o400)
    program = crontab.with_name("bin") / "crontab"
    program.write_text(program.read_text().replace("file.write_text", "sys.exit"))
    with pytest.raises(NightsweepError, match=r"^the crontab cannot be written: "):
        schedule()
    assert list((tmp_path / ".local/state/nightsweep/schedules").iterdir()) == []


def test_a_timer_that_fires_at_another_time_says_so_and_starts_nothing(
    nightsweep: Command, schedule: Callable[..., Place]
) -> None:
    soon = time.strftime("%H:%M", time.gmtime(time.time() + 3600 * 5))
    schedule(at=soon)
    told = nightsweep("tonight", "digits", "--due")
    assert (told.code, told.out) == (0, "")
    assert told.err.startswith("nightsweep: digits: it is not time; next start: ")
    assert not Path("runs").exists()


def test_a_project_that_was_moved_is_told(
    nightsweep: Command, schedule: Callable[..., Place], tmp_path: Path
) -> None:
    place, project = schedule(), tmp_path / "project"
    place.write(place.read().model_copy(update={"folder": project}))
    assert refused(nightsweep("tonight", "digits")) == (
        f"{project}, where digits was scheduled, cannot be entered: No such file or directory; if "
        "it was moved, say nightsweep unschedule digits, and schedule it again where it is now"
    )


def test_a_record_that_cannot_be_read_is_refused_in_words(
    nightsweep: Command, schedule: Callable[..., Place]
) -> None:
    schedule().record.write_text("{")
    assert "schedule.json cannot be read (" in refused(nightsweep("schedules"))
