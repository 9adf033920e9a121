"""Optuna's studies as earlier searches, written by Optuna itself."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState, create_trial

from nightsweep.search import Choice, Float, Sweep
from nightsweep.search.earlier import absolute, lessons, told
from nightsweep.search.elsewhere import study as module
from nightsweep.search.errors import NightsweepError
from nightsweep.search.events import Learned

SPACE = {
    "x": optuna.distributions.FloatDistribution(0, 1),
    "kind": optuna.distributions.CategoricalDistribution(["a", "b"]),
}


def a_trial(x: float, values: dict[int, float] | None = None, **more: Any) -> Any:
    """Complete, with value x, if it is not said otherwise."""
    given: dict[str, Any] = {"value": x, "state": TrialState.COMPLETE} | more
    return create_trial(
        params={"x": x, "kind": "a"},
        distributions=SPACE,
        intermediate_values=values or {},
        **given,
    )


Made = Callable[..., optuna.Study]


both = pytest.mark.parametrize("made", ["sqlite", "journal"], indirect=True)


@pytest.fixture
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    """A study in a file, x.db: SQLite or a journal."""

    def made(*trials: Any, name: str = "mine", **how: Any) -> optuna.Study:
        storage: Any = f"sqlite:///{tmp_path / 'x.db'}"
        if getattr(request, "param", "journal") == "journal":
            storage = JournalStorage(JournalFileBackend(str(tmp_path / "x.db")))
        study = optuna.create_study(storage=storage, study_name=name, **how)
        study.add_trials(trials)
        return study

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield made
    optuna.logging.set_verbosity(before)


def new(**changes: Any) -> Sweep:
    values: dict[str, Any] = {
        "metric": "loss",
        "parameters": {"x": Float(min=0.0, max=1.0), "kind": Choice(values=["a", "b"])},
        "max_epochs": 9,
        "from": "optuna:sqlite:///x.db#mine",
    }
    return Sweep(**(values | changes))


def learned(folder: Path, **changes: Any) -> Learned:
    (found,) = lessons(new(**changes), folder)
    return found


def refused(folder: Path, **changes: Any) -> str:
    with pytest.raises(NightsweepError) as caught:
        lessons(new(**changes), folder)
    return str(caught.value).replace(str(folder), "FOLDER")


def values(found: Learned) -> dict[int, dict[str, float]]:
    return {
        one["trial"]: {epoch: metrics["loss"] for epoch, metrics in one["values"].items()}
        for one in found.results
    }


@both
def test_values_count_at_the_rungs_by_their_order_and_the_final_one_at_the_end(
    made: Made, tmp_path: Path
) -> None:
    steps = {10 * n: 1.0 / n for n in range(1, 5)}
    pruned = {"value": None, "state": TrialState.PRUNED}
    made(a_trial(0.2, steps), a_trial(0.5, {0: 0.9}, **pruned), a_trial(0.4))
    found = learned(tmp_path)
    assert values(found) == {
        1: {"1": 1.0, "3": 1 / 3, "9": 0.2},
        2: {"1": 0.9},
        3: {"9": 0.4},
    }
    assert found.results[0]["config"] == {"x": 0.2, "kind": "a"}
    assert found.leaders == [1, 3, 2]
    assert told(found) == "takes 3 results from optuna:sqlite:///x.db#mine"


def test_a_study_that_reported_more_often_has_its_values_at_our_rungs(
    made: Made, tmp_path: Path
) -> None:
    made(a_trial(0.1, {n: float(n) for n in range(20)}))
    assert values(learned(tmp_path)) == {1: {"1": 0.0, "3": 2.0, "9": 8.0}}


def test_failed_and_running_trials_are_left_out(made: Made, tmp_path: Path) -> None:
    made(
        a_trial(0.1, value=None, state=TrialState.FAIL),
        a_trial(0.3),
        a_trial(0.2, {0: 1.0}, value=None, state=TrialState.RUNNING),
    )
    assert list(values(learned(tmp_path))) == [2]


def test_what_does_not_fit_is_counted(made: Made, tmp_path: Path) -> None:
    made(a_trial(0.2), a_trial(0.8))
    half = {"x": Float(min=0.0, max=0.5), "kind": Choice(values=["a", "c"])}
    found = learned(tmp_path, parameters=half)
    assert (list(values(found)), found.missed) == ([1], 1)


def test_a_parameter_that_was_always_the_same_may_be_missing_now(
    made: Made, tmp_path: Path
) -> None:
    made(a_trial(0.2), a_trial(0.8))
    assert len(learned(tmp_path, parameters={"x": Float(min=0.0, max=1.0)}).results) == 2
    assert learned(tmp_path, parameters={"kind": Choice(values=["a", "b"])}).missed == 2


@both
def test_the_only_study_needs_no_name_and_of_several_one_is_named(
    made: Made, tmp_path: Path
) -> None:
    made(a_trial(0.2))
    assert len(learned(tmp_path, **{"from": "optuna:x.db"}).results) == 1
    made(a_trial(0.2), a_trial(0.3), name="other")
    assert len(learned(tmp_path, **{"from": "optuna:x.db#other"}).results) == 2
    message = refused(tmp_path, **{"from": "optuna:x.db"})
    assert message.startswith("from: which study of FOLDER/x.db? Write optuna:x.db#NAME; it has ")
    message = refused(tmp_path, **{"from": "optuna:x.db#othr"})
    assert "holds no study 'othr'" in message
    assert 'Did you mean "other"?' in message


def test_the_direction_must_be_the_goal(made: Made, tmp_path: Path) -> None:
    made(a_trial(0.2), direction="maximize")
    assert refused(tmp_path) == (
        "from: optuna:sqlite:///x.db#mine was to maximize loss, but this sweep is to minimize "
        "loss; take it out, or search for the same"
    )
    found = learned(tmp_path, metric={"name": "loss", "goal": "maximize"})
    assert values(found) == {1: {"9": 0.2}}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_where_the_study_names_its_metric_the_name_counts(made: Made, tmp_path: Path) -> None:
    made(a_trial(0.2)).set_metric_names(["accuracy"])
    assert "was to minimize accuracy" in refused(tmp_path)
    assert len(learned(tmp_path, metric="accuracy").results) == 1


def test_several_objectives_are_those_of_the_sweep_in_their_order(
    made: Made, tmp_path: Path
) -> None:
    two = {"name": "size", "goal": "maximize"}
    one = create_trial(params={"x": 0.5, "kind": "b"}, distributions=SPACE, values=[1.0, 2.0])
    made(one, directions=["minimize", "maximize"])
    found = learned(tmp_path, metric=["loss", two])
    assert found.results[0]["values"] == {"9": {"loss": 1.0, "size": 2.0}}
    assert "has 2 objectives, and this sweep 1" in refused(tmp_path)


def test_user_attributes_meet_bounds(made: Made, tmp_path: Path) -> None:
    made(a_trial(0.2, user_attrs={"memory": 300, "note": "x"}), a_trial(0.3))
    found = learned(tmp_path, metric=["loss", {"name": "memory", "max": 400}])
    assert [one["values"] for one in found.results] == [{"9": {"loss": 0.2, "memory": 300}}]


def test_a_trial_whose_last_report_was_no_number_has_diverged(made: Made, tmp_path: Path) -> None:
    nan = {"value": None, "state": TrialState.PRUNED}
    made(a_trial(0.2), a_trial(0.9, {0: 1.0, 1: float("nan")}, **nan))
    assert [one["trial"] for one in learned(tmp_path).results if one.get("diverged")] == [2]


def test_a_study_without_a_value_is_refused(made: Made, tmp_path: Path) -> None:
    made()
    assert refused(tmp_path) == (
        "from: the study mine in FOLDER/x.db has no trial yet that has come to a value; take it "
        "out, or wait for one"
    )


@both
def test_reading_leaves_the_file_as_it_is(made: Made, tmp_path: Path) -> None:
    made(a_trial(0.2))
    before = hashlib.sha256((tmp_path / "x.db").read_bytes()).hexdigest()
    learned(tmp_path)
    assert hashlib.sha256((tmp_path / "x.db").read_bytes()).hexdigest() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.db"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no study of Optuna's"),
        (b"lr,loss\n1,2\n", "cannot be read as a storage of Optuna's"),
        (b"SQLite format 3\0" + b"\0" * 84, "cannot be read as a storage of Optuna's"),
    ],
)
def test_what_is_no_storage_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x.db").write_bytes(content)
    assert words in refused(tmp_path)
    assert (tmp_path / "x.db").read_bytes() == content


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert refused(tmp_path) == "from: there is no file FOLDER/x.db"
    assert list(tmp_path.iterdir()) == []


def test_another_programs_database_stays_as_it_is(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as database:
        database.execute("create table theirs (a)")
    database.close()
    assert "cannot be read as a storage of Optuna's" in refused(tmp_path)
    with sqlite3.connect(tmp_path / "x.db") as database:
        names = database.execute("select name from sqlite_master").fetchall()
    database.close()
    assert names == [("theirs",)]


def test_a_locked_database_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As sqlite raises it after five seconds, wrapped as Optuna wraps it."""

    def locked(path: Path, name: str) -> Any:
        try:
            raise sqlite3.OperationalError("database is locked")
        except sqlite3.OperationalError as error:
            raise RuntimeError("An exception is raised during the commit.") from error

    (tmp_path / "x.db").touch()
    monkeypatch.setattr(module, "_study", locked)
    assert refused(tmp_path) == (
        "from: FOLDER/x.db is locked by a process that writes to it; try again, or name a copy of "
        "it"
    )


def test_a_server_is_refused_without_its_password(tmp_path: Path) -> None:
    message = refused(tmp_path, **{"from": "optuna:postgresql://me:secret@host/db#mine"})
    assert message.startswith("from: optuna:host/db is no file; only studies in a file are read")
    assert "secret" not in message


def test_from_elsewhere_it_is_found_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("optuna:sqlite:///x.db#a") == f"optuna:sqlite:///{tmp_path}/x.db#a"
    assert absolute("optuna:x.log") == f"optuna:{tmp_path}/x.log"
    assert absolute("optuna:tuna#tuna") == f"optuna:{tmp_path}/tuna#tuna"
    assert absolute("runs/a") == f"{tmp_path}/runs/a"


@pytest.mark.parametrize("source", ["sqlite:///x.db", "x.db"])
def test_a_study_without_its_scheme_is_told_how_to_write_it(tmp_path: Path, source: str) -> None:
    (tmp_path / "x.db").touch()
    with pytest.raises(NightsweepError, match=f"or a study: optuna:{source}$"):
        lessons(new(**{"from": source}), tmp_path)
