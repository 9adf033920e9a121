"""Data frames from Python, as files that workers read: `stored(frame, folder)`."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import pandas as pd

from ...search.errors import DataError, RunFolderError


def stored(frame: pd.DataFrame, folder: Path) -> Path:
    """A Parquet file in `folder` with these rows, named after what it holds.

    The same frame again is the same file, which is left as it is. The index is not stored.
    Errors: DataError for values that Parquet does not have; RunFolderError where nothing can be
    written.
    """
    if frame.empty:
        raise DataError("data is a data frame without rows or columns")
    named = frame.rename(columns=str)
    twice = named.columns[named.columns.duplicated()]
    if len(twice):
        raise DataError(f"data has two columns {twice[0]!r}; give each a name of its own")
    path = folder / f"data-{_digest(named)}.parquet"
    if path.exists():
        return path
    part = folder / f".{path.name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        named.to_parquet(part, index=False)
        part.replace(path)
    except OSError as error:
        raise RunFolderError(
            f"the data frame cannot be written to {folder}: {error.strerror or error}"
        ) from None
    except (ValueError, TypeError) as error:  # pyarrow's errors are such
        why = _mixed(named) or error
        raise DataError(f"the data frame does not fit into Parquet: {why}") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return path


def _mixed(frame: pd.DataFrame) -> str | None:
    """What is to be mended in the first column that holds values of several kinds."""
    for name in frame.columns:
        kinds = sorted({type(value).__name__ for value in frame[name].dropna().tolist()})
        if len(kinds) > 1:
            return f"column {name!r} holds {' and '.join(kinds)}; make its values of one kind"
    return None


def _digest(frame: pd.DataFrame) -> str:
    """Of names, types and values."""
    digest = hashlib.sha256()
    for name in frame.columns:
        column = frame[name]
        digest.update(f"{name}\0{column.dtype}\0".encode())
        try:
            digest.update(pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes())
        except TypeError:
            raise DataError(
                f"column {name!r} holds {type(column.iloc[0]).__name__}s; "
                "a column has numbers, words or times"
            ) from None
    return digest.hexdigest()[:16]
