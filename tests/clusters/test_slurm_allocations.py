"""Six minutes of training in allocations of two: what comes of it is what would have come of it.

Epochs that sleep cost no CPU. One slot, so that results can be compared. `-s` shows the figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

import nightsweep

from .desk import Desk
from .slurm import Slurm, missing

pytestmark = [pytest.mark.clusters, pytest.mark.slow, pytest.mark.timeout(1800)]

TRAINING = 360.0  # seconds
SAME = ["trial", "status", "why", "config/lr", "best/loss", "epochs"]
STARTED = re.compile(r"^nightsweep: job \d+ on .*?, (\d+-\d+-\d+ \d+:\d+:\d+)", re.MULTILINE)


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    if why := missing():
        pytest.skip(f"NO SLURM HERE, ITS TESTS DO NOT RUN: {why}")
    with Slurm(nodes=1) as stand:
        yield stand


def test_a_sweep_in_pieces_comes_to_what_an_undisturbed_one_comes_to(
    tmp_path: Path, slurm: Slurm
) -> None:
    desk = Desk(tmp_path, slurm)
    desk.write(slots=1, trials=60, seconds=0)
    desk.says("run", "sweep.yaml", "--out", "whole")
    whole = nightsweep.load(tmp_path / "whole")
    each = TRAINING / len(whole.curves)
    desk.write(slots=1, trials=60, seconds=each)
    desk.submit("pieces", "time=2m", "grace=2s")
    assert "is done" in desk.end("pieces")
    pieces = nightsweep.load(tmp_path / "pieces")
    pd.testing.assert_frame_equal(pieces.trials[SAME], whole.trials[SAME])
    values = ["trial", "epoch", "loss"]
    pd.testing.assert_frame_equal(pieces.curves[values], whole.curves[values])
    assert desk.reported("pieces") == len(pieces.curves), "no epoch was trained twice"
    starts = [datetime.fromisoformat(text) for text in STARTED.findall(desk.log("pieces"))]
    assert len(starts) > 1
    print(f"\n{len(whole.curves)} epochs of {each:.2f} s in {len(starts)} allocations of 2 min:")
    print(f"started at {', '.join(f'{start:%H:%M:%S}' for start in starts)}")
    print(pieces.summary())
