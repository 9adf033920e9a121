"""nightsweep.run from Python: what it says before anything is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nightsweep
from nightsweep.search.errors import DataError

FRAME = pd.DataFrame({"text": ["good", "bad"], "label": ["yes", "no"]})


def learned(config: dict[str, Any], trial: nightsweep.Trial) -> None:
    raise AssertionError("nothing is to be trained here")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (FRAME["text"], "Series"),
        (np.zeros((2, 2)), "ndarray"),
        ({"text": ["good"]}, "dict"),
        ([FRAME, FRAME], "list of DataFrame"),
        (3, "int"),
    ],
)
def test_data_that_is_neither_paths_nor_a_frame_is_named_by_its_kind(
    tmp_path: Path, data: Any, what: str
) -> None:
    with pytest.raises(DataError, match=f"one pandas DataFrame, not {what}$"):
        nightsweep.run("text", data=data, out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_function_is_given_no_frame_since_it_would_not_see_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a function of your own reads its data itself"):
        nightsweep.run(learned, {"lr": 0.1}, metric="loss", data=FRAME, out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_frame_that_cannot_be_learned_from_is_refused_before_anything_starts(
    tmp_path: Path,
) -> None:
    with pytest.raises(DataError, match="target 'lable' is not one of the columns text, label"):
        nightsweep.run(
            {"name": "text", "target": "lable"}, data=FRAME, out=tmp_path / "run", quiet=True
        )
    assert not (tmp_path / "run").exists()
