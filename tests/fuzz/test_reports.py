"""What training functions may report: taken as numbers that every file can hold, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search import Sweep
from nightsweep.search.events import Event, Reported
from nightsweep.search.journal import Journal, read
from nightsweep.search.results import Results
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.study import Study
from nightsweep.trainables.job import Answer, Job, Message, Step
from nightsweep.trainables.metrics import ReportError, checked
from nightsweep.trainables.trial import Trial

SWEEP = Sweep(metric="loss", parameters={"x": {"min": 0, "max": 9}}, sampler="random")
ODD: list[Any] = [
    None, True, "0.5", "nan", b"1", 1j, [], [0.5], {}, {"a": 1}, object(), print,
    datetime(2026, 1, 1), Decimal("0.1"), Fraction(1, 3), 10**400, 2**63, -(2**63) - 1, 2**1023,
    np.float16(0.5), np.float32("nan"), np.float64("inf"), np.longdouble(0.1), np.int8(-3),
    np.uint64(2**64 - 1), np.bool_(True), np.complex64(1j), np.datetime64("2026-01-01"),
    np.str_("x"), np.array(0.5), np.array([[0.5]]), np.array([]), np.array([1, 2]),
    np.array(["x"]), np.array(None), np.array([None]), np.ma.masked,
    torch.tensor(0.5), torch.tensor([[0.25]]), torch.tensor([]), torch.tensor([1, 2]),
    torch.tensor(1j), torch.tensor(True), torch.tensor(3, dtype=torch.uint8),
    torch.tensor(0.1, dtype=torch.bfloat16), torch.tensor(0.5, requires_grad=True),
    torch.empty(1, device="meta"), torch.nn.Linear(1, 1),
    pd.NA, pd.NaT, pd.Series([0.5]), pd.Series([1, 2]),
]  # fmt: skip
VALUES = st.one_of(st.floats(), st.integers(), st.sampled_from(ODD))
NAMES = st.one_of(
    st.sampled_from(
        [
            "loss",
            "trial",
            "epoch",
            "seconds",
            "time",
            "metric/trial",
            "",
            "\0",
            "\ud800",
            "a,b\n",
            7,
        ]
    ),
    st.text(st.characters(), max_size=6),
)
METRICS = st.dictionaries(NAMES, VALUES, max_size=4)


class Silent:
    """A link that takes everything, and never halts."""

    halting = False

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def send(self, message: Message) -> None:
        assert isinstance(message, Step)
        self.steps.append(message)

    def ask(self, step: Step) -> Answer:
        self.steps.append(step)
        return Answer(trial=step.trial, until=step.epoch + 1)


def taken(report: Callable[[], Any]) -> Any:
    """What came of a report; None where it was refused, in plain words."""
    try:
        return report()
    except ReportError as error:
        message = str(error)
    assert message.startswith("reported ")
    assert len(message) < 1000
    assert "Traceback" not in message
    return None


def begun(link: Silent, epoch: int = 0) -> Trial:
    """A trial that goes on after this epoch."""
    job = Job(
        trial=1,
        config={},
        epoch=epoch,
        until=9,
        max_epochs=9,
        metrics=("loss",),
        seed=0,
        folder=Path("nowhere"),
    )
    return Trial(job, link, clock=lambda: 0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return RunFolder.create(tmp_path_factory.mktemp("reports") / "run")


def kept(folder: RunFolder, metrics: dict[str, float]) -> Results:
    """The results of a run whose only trial has reported these metrics."""
    folder.journal.unlink(missing_ok=True)
    written: list[Event] = []
    study = Study(SWEEP, written.append)
    trial = study.ask()
    assert trial is not None
    study.report(trial.id, 1, metrics, seconds=0.5)
    journal = Journal(folder.journal, lambda: 1_700_000_000.0)
    for event in written:
        journal.append(event)
    journal.close()
    *_, reported = (entry.event for entry in read(folder.journal))
    assert isinstance(reported, Reported)
    assert repr(reported.metrics) == repr(metrics)
    header = {"format": 1, "sweep": SWEEP.model_dump(mode="json")}
    folder.resolved.write_text(json.dumps(header))
    return Results.load(folder.path)


@given(metrics=METRICS)
def test_what_is_taken_is_a_number_that_journal_and_tables_give_back(
    folder: RunFolder, metrics: dict[Any, Any]
) -> None:
    numbers = taken(lambda: checked(metrics))
    if numbers is None:
        return
    assert all(type(value) in (int, float) for value in numbers.values())
    assert len(numbers) <= len(metrics)
    results = kept(folder, {"loss": 0.5} | numbers)
    results.write()
    table = pd.read_parquet(folder.table("curves", "parquet"))
    expected = [float(value) for value in ({"loss": 0.5} | numbers).values()]
    assert repr([float(value) for value in table.iloc[0, 2:-2]]) == repr(expected)


@given(metrics=METRICS, epoch=st.one_of(VALUES, st.none(), st.integers(-1, 9)))
def test_a_report_is_handed_over_whole_or_refused(metrics: dict[Any, Any], epoch: Any) -> None:
    link = Silent()
    trial = begun(link, epoch=2)
    taken(lambda: trial.report({**metrics, "epoch": epoch}))
    if not link.steps:
        assert trial.epoch == 2
        return
    (step,) = link.steps
    assert step.epoch == trial.epoch > 2
    assert type(step.epoch) is int
    assert type(step.metrics["loss"]) in (int, float)


@given(given=st.one_of(VALUES, st.text(max_size=3), st.lists(VALUES, max_size=2)))
def test_a_report_of_anything_at_all_is_refused(given: Any) -> None:
    link = Silent()
    taken(lambda: begun(link).report(given))
    assert link.steps == []
