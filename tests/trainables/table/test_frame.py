"""A data frame is stored in a file that is named after what it holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nightsweep.search.errors import DataError, RunFolderError
from nightsweep.trainables.table.frame import stored
from nightsweep.trainables.table.read import read

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None], "price": [0.5, 1.5, 2.5]})


def test_what_is_stored_is_read_back(tmp_path: Path) -> None:
    path = stored(FRAME, tmp_path / "new")
    pd.testing.assert_frame_equal(read(str(path)), FRAME)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_same_frame_is_the_same_file_and_another_is_not(tmp_path: Path) -> None:
    path = stored(FRAME, tmp_path)
    changed = path.stat().st_mtime_ns
    assert stored(FRAME.copy(), tmp_path) == path
    assert path.stat().st_mtime_ns == changed
    others = [FRAME.assign(a=[1, 2, 4]), FRAME.rename(columns={"a": "c"}), FRAME[["b", "a"]]]
    assert len({path, *(stored(other, tmp_path) for other in others)}) == 4


def test_names_become_text_and_the_index_is_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({0: [1, 2]}, index=["u", "v"])
    assert list(read(str(stored(frame, tmp_path))).columns) == ["0"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame(), "without rows or columns"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns 'a'"),
        (pd.DataFrame({"a": [[1], [2]]}), "column 'a' holds lists"),
        (pd.DataFrame({"a": [np.array([1])]}), "column 'a' holds ndarrays"),
        (pd.DataFrame({"a": [1, "x"]}), "does not fit into Parquet"),
    ],
)
def test_frames_that_no_file_holds_are_refused(
    tmp_path: Path, frame: pd.DataFrame, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        stored(frame, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="cannot be written to"):
        stored(FRAME, tmp_path / "file")


def test_a_column_of_several_kinds_is_named_with_them(tmp_path: Path) -> None:
    frame = pd.DataFrame({"b": [1, None], "a": [1, "x"]}, dtype=object)
    with pytest.raises(DataError, match="column 'a' holds int and str; make its values of one"):
        stored(frame, tmp_path)
