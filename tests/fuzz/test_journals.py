"""Damaged journals: refused with the line named, or read as the whole lines before the damage."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search import Study, Sweep, why
from nightsweep.search.errors import JournalError
from nightsweep.search.events import Event, from_json
from nightsweep.search.journal import Journal, read
from nightsweep.search.results import Results

from .attempt import attempt
from .conftest import Night
from .damage import changed, forged, torn

RUNS = st.integers(0, 5)
CHANCES = st.randoms(use_true_random=True)


def seen(path: Path) -> list[str]:
    """What a journal holds; as text, since NaN equals nothing."""
    return [repr(entry) for entry in read(path)]


def named(refusal: str, place: str = r"journal\.jsonl:(\d+): \S") -> int:
    """The line that a message names."""
    found = re.search(place, refusal)
    assert found, refusal
    return int(found[1])


def shown(results: Results) -> None:
    """Everything that is told of results can be told."""
    assert results.summary()
    json.dumps(results.as_json(), allow_nan=False)
    assert len(results.trials) == len(results.study.trials)
    assert len(results.curves) == sum(len(page.epochs) for _, page in results.rows())
    assert len(results.front) == len(results.study.front)


@given(run=RUNS, chance=CHANCES)
def test_of_a_damaged_journal_nothing_is_read_that_was_not_written(
    nights: list[Night], run: int, chance: Random
) -> None:
    night = nights[run].restored()
    path = night.folder.journal
    whole = seen(path)
    broken = torn(chance, night.journal)
    path.write_bytes(broken)
    found: list[str] = []
    _, refusal = attempt(lambda: found.extend(map(repr, read(path))), JournalError)
    assert found == whole[: len(found)]
    assert path.read_bytes() == broken
    if refusal:
        assert named(refusal) == len(found) + 1
    else:
        length = sum(map(len, night.journal.splitlines(keepends=True)[: len(found)]))
        rest = broken[length:]
        assert b"\n" not in rest or b"\0" in rest, "whole lines were passed over"


@given(run=RUNS, chance=CHANCES)
def test_writing_goes_on_behind_the_whole_lines_or_not_at_all(
    nights: list[Night], run: int, chance: Random
) -> None:
    night = nights[run].restored()
    path = night.folder.journal
    event = next(read(path)).event
    broken = torn(chance, night.journal)
    path.write_bytes(broken)
    before, _ = attempt(lambda: seen(path), JournalError)
    journal, _ = attempt(lambda: Journal(path, lambda: 1_800_000_000.0), JournalError)
    if journal is None:
        assert before is None
        assert path.read_bytes() == broken
        return
    journal.append(event)
    journal.close()
    if before is not None:
        assert seen(path)[:-1] == before


@given(run=RUNS, chance=CHANCES)
def test_results_of_a_damaged_run_are_refused_or_those_of_its_beginning(
    nights: list[Night], run: int, chance: Random
) -> None:
    night = nights[run].restored()
    whole = [entry.event for entry in read(night.folder.journal)]
    night.folder.journal.write_bytes(torn(chance, night.journal))
    results, refusal = attempt(lambda: Results.load(night.folder.path), JournalError)
    if results is None:
        assert named(refusal)
        return
    count = len(seen(night.folder.journal))
    expected = Study.replay(night.folder.sweep(), whole[:count])
    assert repr(results.study.trials) == repr(expected.trials)
    shown(results)


@given(run=RUNS, chance=CHANCES)
def test_a_forged_journal_is_refused_with_its_line_or_makes_sense(
    nights: list[Night], run: int, chance: Random
) -> None:
    night = nights[run].restored()
    path = night.folder.journal
    path.write_bytes(forged(chance, night.journal))
    before = path.read_bytes()
    results, refusal = attempt(lambda: Results.load(night.folder.path), JournalError)
    assert path.read_bytes() == before
    if results is None:
        assert named(refusal)
        return
    shown(results)
    for trial in list(results.study.trials)[:3]:
        json.dumps(why.load(night.folder.path, trial).as_json(), allow_nan=False)


@given(run=RUNS, chance=CHANCES)
def test_a_damaged_header_is_refused_in_plain_words_or_can_be_told(
    nights: list[Night], run: int, chance: Random
) -> None:
    night = nights[run].restored()
    path = night.folder.resolved
    if chance.random() < 0.5:
        path.write_bytes(torn(chance, night.files[path]))
    else:
        header = json.loads(night.files[path])
        changed(chance, header)
        path.write_text(json.dumps(header))
    before = path.read_bytes()
    results, _ = attempt(lambda: Results.load(night.folder.path))
    if results is not None:
        shown(results)
    assert path.read_bytes() == before


TOY = Sweep(
    metric="loss", parameters={"x": {"min": 0, "max": 3}}, sampler="random", max_epochs=3, trials=4
)
NUMBERS = st.integers(0, 4)
CONFIGS = st.sampled_from([{}, {"config": {"x": 1}}, {"config": {"x": 9}}, {"config": {}}])
KINDS = st.sampled_from(["finished", "failed", "interrupted", "stopped"])
EVENTS = st.one_of(
    st.builds(
        lambda trial, epoch, config: {"event": "asked", "trial": trial, "epoch": epoch} | config,
        NUMBERS,
        NUMBERS,
        CONFIGS,
    ),
    st.builds(
        lambda trial, epoch, decision, loss: {
            "event": "reported",
            "trial": trial,
            "epoch": epoch,
            "decision": decision,
            "metrics": {"loss": loss},
            "checkpoint": True,
        },
        NUMBERS,
        NUMBERS,
        st.sampled_from(["continue", "pause", "stop"]),
        st.sampled_from([0.5, 0.25, "nan", "-inf"]),
    ),
    st.builds(
        lambda kind, trial, epoch: {"event": kind, "trial": trial, "epoch": epoch},
        KINDS,
        NUMBERS,
        NUMBERS,
    ),
)


def possible(told: list[dict[str, Any]]) -> list[Event]:
    """Those that can be events at all: trials count from 1."""
    return [from_json({**values, "reason": "so"}) for values in told if values["trial"]]


@given(told=st.lists(EVENTS, max_size=15))
def test_what_makes_no_sense_is_refused_in_plain_words_and_the_rest_is_a_study(
    told: list[dict[str, Any]],
) -> None:
    events = possible(told)
    study, refusal = attempt(lambda: Study.replay(TOY, events), JournalError)
    while study is None:
        del events[named(refusal, r"^event (\d+): \S") - 1]
        study, refusal = attempt(lambda: Study.replay(TOY, events), JournalError)
    assert list(study.trials) == list(range(1, len(study.trials) + 1))
    if len(study.trials) < 4:
        assert study.ask() is not None


BEGINS = '{"time":1,"event":"asked","trial":1,"epoch":0,"reason":"so","config":{"x":1}}'
LATER = '{"time":1,"event":"reported","trial":1,"epoch":2,"metrics":{"loss":1},"checkpoint":true,'
LATER += '"decision":"continue","reason":"so"}'


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([LATER], "1: there is no trial 1"),
        ([BEGINS, LATER, LATER], "3: trial 1 reported epoch 2 after epoch 2"),
        ([BEGINS, BEGINS], "2: trial 1 begins after trial 1"),
    ],
)
def test_an_order_that_makes_no_sense_is_an_error_with_its_line(
    nights: list[Night], lines: list[str], message: str
) -> None:
    night = nights[0].restored()
    header = {"format": 1, "sweep": TOY.model_dump(mode="json")}
    night.folder.resolved.write_text(json.dumps(header))
    night.folder.journal.write_text("".join(line + "\n" for line in lines))
    advice = "journal.jsonl or sweep.json was changed by hand: put back a copy of it"
    for reader in (Results.load, lambda path: why.load(path, 1)):
        with pytest.raises(JournalError) as caught:
            reader(night.folder.path)
        assert str(caught.value) == f"{night.folder.journal}:{message}; {advice}"
    night.restored()
