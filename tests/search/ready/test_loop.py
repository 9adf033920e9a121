"""What a sweep knows of the loop's knobs is what the loop has."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from nightsweep.search.ready.loop import LOOP, OPTIMIZERS, SCHEDULES
from nightsweep.trainables import knobs, optimizer, schedule


def test_its_names_are_those_of_the_loop() -> None:
    assert list(LOOP) == [field.name for field in fields(knobs.Knobs)]


def test_its_words_are_those_of_the_loop() -> None:
    precision: Any = LOOP["precision"]
    assert tuple(optimizer.OPTIMIZERS) == OPTIMIZERS
    assert schedule.SCHEDULES == SCHEDULES
    assert precision.allowed == knobs.PRECISIONS


def test_every_default_of_the_loop_is_a_value_that_a_sweep_may_give() -> None:
    defaults = {field.name: field.default for field in fields(knobs.Knobs)}
    wrong = {name: knob.wrong(defaults[name]) for name, knob in LOOP.items()}
    assert {name: why for name, why in wrong.items() if why} == {
        "epochs": "must be a whole number of at least 1, not None"  # the sweep's max_epochs
    }
