"""When the memory of a driver counts as flat."""

from __future__ import annotations

import random

import pytest

from .memory import WARM, Sample, growth

EACH = 0.06  # MB that a driver takes for a trial


def samples(
    *, leak: float = 0.0, seconds: int = 300, driver: int = 1, before: int = 0
) -> list[Sample]:
    """400 MB, more for each of one trial a second, and `leak` MB a second; a noise of 1 MB."""
    chance = random.Random(driver)
    return [
        Sample(
            driver, age, before + age, 400 + EACH * (before + age) + leak * age + chance.random()
        )
        for age in range(seconds)
    ]


UNDISTURBED = samples(driver=9, seconds=700)


def test_what_the_trials_take_is_no_growth_of_the_faults() -> None:
    found = growth(samples(before=200), UNDISTURBED)
    assert found is not None
    assert found.flat
    assert found.grown == pytest.approx(EACH * 230, abs=2)
    assert found.beyond == pytest.approx(0, abs=1)


def test_a_leak_is_seen() -> None:
    found = growth(samples(leak=0.05), UNDISTURBED)
    assert found is not None
    assert not found.flat
    assert found.beyond == pytest.approx(0.05 * 230, abs=2)


def test_the_driver_that_lived_longest_is_judged() -> None:
    found = growth(samples(leak=1, seconds=100) + samples(driver=2), UNDISTURBED)
    assert found is not None
    assert found.flat


def test_what_a_driver_takes_while_it_warms_up_does_not_count() -> None:
    cold = [Sample(1, age, age, 100) for age in range(int(WARM))]
    found = growth(cold + samples()[int(WARM) :], UNDISTURBED)
    assert found is not None
    assert found.flat


def test_short_lives_say_nothing() -> None:
    assert growth(samples(leak=1, seconds=30), UNDISTURBED) is None
    assert growth([], UNDISTURBED) is None
    assert growth(samples(), []) is None
