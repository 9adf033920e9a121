"""What a worker is told of its trial."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nightsweep.cluster.work import job

from .conftest import Evening


@pytest.mark.parametrize(("cpus", "whole"), [(4, 4), (2.5, 2), (1, 1), (0.25, 1)])
def test_a_trial_may_use_its_whole_cpus_and_at_least_one(
    begin: Callable[..., Evening], cpus: float, whole: int
) -> None:
    evening = begin(resources={"cpus": cpus})
    trial = evening.study.ask()
    assert trial is not None
    assert job(evening.study, trial, evening.folder).cpus == whole
