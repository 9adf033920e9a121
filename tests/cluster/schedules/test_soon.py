from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nightsweep.cluster.schedules.soon import Known, pace, refuse_short
from nightsweep.search.errors import NightsweepError
from nightsweep.search.sweep import Sweep

from ..conftest import Evening
from .plan import schedule

SWEEP = Sweep(metric="loss", parameters={"x": {"min": 0.0, "max": 1.0}}, max_epochs=27)


def known(minutes: float) -> Known:
    return Known(run=Path("runs/digits-1"), epoch=minutes * 60)


def test_a_night_that_ends_before_the_first_rung_is_refused_with_the_first_end_that_will_do(
    tmp_path: Path,
) -> None:
    with pytest.raises(NightsweepError) as caught:
        refuse_short(schedule(tmp_path, until="22:05"), SWEEP, known(minutes=10))
    assert str(caught.value) == (
        "--until 22:05: from 22:00 that is 5 min, and the first rung (1 epoch) takes 11 min: an "
        "epoch took 10 min in runs/digits-1; write --until 22:12 or later"
    )
    refuse_short(schedule(tmp_path, until="22:12"), SWEEP, known(minutes=10))


def test_a_later_first_rung_needs_a_longer_night(tmp_path: Path) -> None:
    later = SWEEP.model_copy(update={"scheduler": Sweep(
        metric="loss", parameters={"x": {"min": 0.0, "max": 1.0}}, max_epochs=27,
        scheduler={"name": "asha", "grace": 9},
    ).scheduler})  # fmt: skip
    short = schedule(tmp_path, until="23:00")
    refuse_short(short, SWEEP, known(minutes=10))
    with pytest.raises(NightsweepError, match=r"first rung \(9 epochs\) takes 99 min"):
        refuse_short(short, later, known(minutes=10))


def test_the_next_morning_is_not_too_soon(tmp_path: Path) -> None:
    refuse_short(schedule(tmp_path, until="07:00"), SWEEP, known(minutes=60))


def test_without_an_end_or_an_earlier_run_nothing_is_refused(tmp_path: Path) -> None:
    refuse_short(schedule(tmp_path), SWEEP, known(minutes=1e6))
    refuse_short(schedule(tmp_path, until="22:01"), SWEEP, None)


def test_the_pace_is_that_of_the_latest_run_of_the_same_file(
    tmp_path: Path, begin: Callable[..., Evening]
) -> None:
    file = tmp_path / "digits.yaml"
    run = begin()
    run.search(most=2)
    assert pace(file, tmp_path) is None
    run.write_header(source=str(file))
    assert pace(file, tmp_path) == Known(run=tmp_path / "run", epoch=0.5)
    assert pace(tmp_path / "other.yaml", tmp_path) is None


def test_a_run_that_has_not_trained_or_cannot_be_read_tells_nothing(
    tmp_path: Path, evening: Evening
) -> None:
    file = tmp_path / "digits.yaml"
    evening.write_header(source=str(file))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sweep.json").write_text("{")
    assert pace(file, tmp_path) is None
