"""Any arguments, and any run folder: an answer, or one message and exit code 2."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import Command, Told
from .conftest import SWEEPS, Night, contents, restore
from .damage import changed, forged, torn

CHANCES = st.randoms(use_true_random=True)
RUNS = st.integers(0, 5)
READERS = ("status", "report", "best", "why")
OTHERS = (
    "check", "plan", "run", "resume", "extend", "pause", "continue", "stop", "schema", "gone", "",
)  # fmt: skip
OPTIONS = (
    "--json", "--trials", "--time", "--slots", "--seed", "--out", "--epoch-seconds", "--as-begun",
    "--version", "-h", "--help", "--", "-", "-x", "--trial", "--trials=", "--time=1h",
)  # fmt: skip
VALUES = (
    "", "0", "1", "3", "-1", "1.5", "nan", "inf", "1e400", "9" * 30, "9h", "5 parsecs", "0s",
    "9" * 400 + "d", "two", "é", "../..", "/", "/dev/null", ".", "run", "gone",
    "sweep.yaml", "odd.yaml", "a" * 5000, "[bold]", "sweep.toml", "many.yaml",
)  # fmt: skip


MADE = {"trials.csv", "trials.parquet", "curves.csv", "curves.parquet", "driver.lock"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A working folder, and what it holds while nothing has happened."""

    path: Path
    files: dict[Path, bytes]

    def restored(self) -> Place:
        restore(self.path, self.files)
        return self


def answered(told: Told) -> None:
    """It has answered, or said in a few words what is wrong."""
    assert told.code in (0, 1, 2)
    assert "Traceback" not in told.err
    assert "Error(" not in told.err, "not in plain words"
    if told.code == 2:
        assert told.err.strip()
        assert told.out == ""


@pytest.fixture
def place(tmp_path: Path, nights: list[Night]) -> Place:
    """A folder with a run, a sweep file that is right but for its function, and a wrong one."""
    night = nights[0].restored()
    for path, content in night.files.items():
        target = tmp_path / "run" / path.relative_to(night.folder.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    (tmp_path / "sweep.yaml").write_text(json.dumps(SWEEPS[0]))
    (tmp_path / "odd.yaml").write_text("metric: [")
    many = SWEEPS[1] | {"max_epochs": 100_000, "trials": 100_000, "slots": 100_000}
    (tmp_path / "many.yaml").write_text(json.dumps(many))
    return Place(path=tmp_path, files=contents(tmp_path))


@given(chance=CHANCES)
def test_any_arguments_are_answered(place: Place, nightsweep: Command, chance: Random) -> None:
    files = place.restored().files
    command = chance.choice([*READERS, *OTHERS])
    words = [chance.choice(["run", "sweep.yaml", "sweep.yaml", chance.choice(VALUES)])]
    words += [chance.choice(chance.choice([OPTIONS, VALUES])) for _ in range(chance.randrange(4))]
    answered(nightsweep(command, *words))
    after = contents(place.path)
    assert {path: content for path, content in after.items() if path in files} == files
    assert {path.name for path in after} - {path.name for path in files} <= MADE


@given(run=RUNS, chance=CHANCES)
def test_readers_of_a_damaged_run_answer_and_change_nothing(
    nights: list[Night], nightsweep: Command, run: int, chance: Random
) -> None:
    night = nights[run].restored()
    path = night.folder.journal if chance.random() < 0.7 else night.folder.resolved
    if chance.random() < 0.5:
        path.write_bytes(torn(chance, night.files[path]))
    elif path == night.folder.journal:
        path.write_bytes(forged(chance, night.journal))
    else:
        header = json.loads(night.files[path])
        changed(chance, header)
        path.write_text(json.dumps(header))
    if chance.random() < 0.3:
        night.folder.lock.write_bytes(chance.randbytes(chance.randrange(30)))
    before = contents(night.folder.path)
    command = chance.choice(READERS)
    numbers = [chance.randint(1, 12)] if command == "why" else []
    json_or_not = ["--json"] if chance.random() < 0.5 else []
    told = nightsweep(command, night.folder.path, *numbers, *json_or_not)
    answered(told)
    if told.code == 0:
        assert told.out.strip()
        if json_or_not:
            json.loads(told.out)
    after = contents(night.folder.path)
    assert {path: after.get(path) for path in before} == before
    assert command == "report" or after.keys() == before.keys()


@given(chance=CHANCES)
def test_resume_refuses_a_damaged_run_and_leaves_it_as_it_is(
    place: Place, nightsweep: Command, chance: Random
) -> None:
    """Its training function is nowhere to be found: so even a run that is whole is refused."""
    files = place.restored().files
    path = place.path / "run" / chance.choice(["journal.jsonl", "sweep.json", "sweep.yaml"])
    if path.suffix == ".jsonl" or chance.random() < 0.3:
        path.write_bytes(torn(chance, files[path]))
    else:
        values = json.loads(files[path])
        changed(chance, values)
        path.write_text(json.dumps(values))
    damaged = contents(place.path)
    told = nightsweep("resume", "run", *chance.choice([[], ["--trials", "99"], ["--as-begun"]]))
    answered(told)
    assert told.code == 2
    after = contents(place.path)
    assert {path: after[path] for path in damaged} == damaged
    assert after.keys() - damaged.keys() <= {place.path / "run" / "driver.lock"}


@given(chance=CHANCES)
def test_check_and_plan_answer_for_any_sweep_file(
    place: Place, nightsweep: Command, chance: Random
) -> None:
    place.restored()
    values = json.loads(json.dumps(chance.choice(SWEEPS)))
    for _ in range(chance.randint(1, 3)):
        changed(chance, values)
    (place.path / "made.yaml").write_text(json.dumps(values))
    command, options = chance.choice(["check", "plan"]), chance.choice([[], ["--json"]])
    answered(nightsweep(command, "made.yaml", *options))
