"""What a trial asks for, where several processes train it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from nightsweep.search.resources import Resources


def test_a_trial_is_one_process_unless_more_are_asked_for() -> None:
    assert Resources().processes == 1
    assert Resources(cpus=2, processes=2).processes == 2
    assert Resources(gpus=2, processes=2).most_gpus == 2


@pytest.mark.parametrize("gpus", [1, 4, 0.5, "auto"])
def test_processes_on_gpus_have_one_each(gpus: object) -> None:
    with pytest.raises(ValidationError, match="2 processes need a GPU each; write gpus: 2, or 0"):
        Resources.model_validate({"gpus": gpus, "processes": 2})


@pytest.mark.parametrize("processes", [0, -1, 1.5])
def test_processes_are_counted_from_one(processes: float) -> None:
    with pytest.raises(ValidationError):
        Resources.model_validate({"processes": processes})
