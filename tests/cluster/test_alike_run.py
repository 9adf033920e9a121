from pathlib import Path

import pytest

import nightsweep
from nightsweep.cluster.alike import FEW

from .disturb import DONE, TRAIN, driver, said, write

BAD_INPUT = 2
BROKEN = TRAIN.replace("nn.Sequential(", "mm.Sequential(")


@pytest.mark.slow
@pytest.mark.ray
def test_a_training_function_that_always_raises_is_shown_once_and_mended_costs_no_trial(
    tmp_path: Path,
) -> None:
    place = write(tmp_path, train=BROKEN)
    assert driver(place, "run", "toy.yaml", "--out", "run").wait(300) == BAD_INPUT, said(place)
    assert said(place).count("NameError: name 'mm' is not defined") == 2, (
        "in a sentence, and below"
    )
    assert said(place).count("Traceback") == 1
    assert "toy.py" in said(place)
    failed = nightsweep.load(place / "run").trials
    assert list(failed["status"]) == ["failed"] * FEW
    write(place)
    assert driver(place, "resume", "run").wait(300) == DONE, said(place)
    trained = nightsweep.load(place / "run").trials
    assert len(trained) == 16
    assert set(trained["status"]) <= {"completed", "stopped"}
    assert trained["epochs"].min() >= 1
