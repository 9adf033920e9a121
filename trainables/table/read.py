"""Tables from files and from scikit-learn: `read("prices.csv")`, `read("sklearn:digits")`."""

from __future__ import annotations

import csv
import gzip
import os
import warnings
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from ...search.brief import first_line
from ...search.errors import DataError
from ...search.nearest import did_you_mean

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
# Those that are installed with scikit-learn: nothing is downloaded.
KNOWN = ("digits", "iris", "wine", "breast_cancer", "diabetes")
SEPARATORS = ",;\t|"
TABLES = 4  # that a process keeps in memory
BROKEN = (
    csv.Error, pd.errors.ParserError, pd.errors.EmptyDataError, EOFError, gzip.BadGzipFile,
    zlib.error,
)  # fmt: skip
LINE = 1_000_000  # characters of a header, at most


def read(source: str) -> pd.DataFrame:
    """The table in a file, or `sklearn:NAME`, whose target is the column "target".

    Kept in memory until the file changes: not to be written to. Column names are text.
    Errors: DataError.
    """
    library, colon, name = source.partition(":")
    if colon and "/" not in source:
        return _known(library, name)
    path = Path(source)
    try:
        status = os.stat(path)
        if path.is_dir():
            raise DataError(f"{path} is a folder; a table is one file: {', '.join(SUFFIXES)}")
        return _read(path, status.st_mtime_ns, status.st_size)
    except FileNotFoundError:
        raise DataError(f"{path} is not there; data: names a file beside the sweep file") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def _known(library: str, name: str) -> pd.DataFrame:
    if library != "sklearn":
        raise DataError(f"{library}:{name} is no table; tables are files, or sklearn:NAME")
    if name not in KNOWN:
        raise DataError(f"sklearn:{name} is not one of {did_you_mean(name, KNOWN)}")
    return _loaded(name)


@lru_cache(maxsize=TABLES)
def _loaded(name: str) -> pd.DataFrame:
    from sklearn import datasets

    found: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return found


@lru_cache(maxsize=TABLES)
def _read(path: Path, changed: int, size: int) -> pd.DataFrame:
    """`changed`, `size`: of the file, so that another one of the same name is read anew."""
    if not size:
        raise DataError(f"{path} is empty")
    frame = _reader(path)(path)
    frame.columns = [str(name) for name in frame.columns]
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise DataError(f"{path} has two columns {twice[0]!r}; give each a name of its own")
    if frame.empty:
        raise DataError(f"{path} holds no rows")
    return frame


def _reader(path: Path) -> Callable[[Path], pd.DataFrame]:
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz")):
        return _text
    if name.endswith((".parquet", ".pq")):
        return _parquet
    raise DataError(f"{path} is not a table that is read here: {', '.join(SUFFIXES)}")


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (ValueError, OSError) as error:  # pyarrow's errors are such
        raise DataError(f"{path} is no Parquet file: {first_line(error)}") from None


def _text(path: Path) -> pd.DataFrame:
    """A table with a header, its values separated by what separates the names there."""
    try:
        separator = _separator(path)
        names = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str, encoding=UTF8)
        frame = _values(path, separator)
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8; save it with that encoding") from None
    except pd.errors.ParserWarning:  # the names would stand above the wrong columns, perhaps
        raise DataError(f"{path} has rows of more values than there are names") from None
    except BROKEN as error:
        raise DataError(f"{path} is no table: {first_line(error)}") from None
    if names.shape[1] == frame.shape[1]:  # pandas would call a second column `a` a.1
        frame.columns = names.iloc[0].fillna("").to_numpy()
    return frame


def _values(path: Path, separator: str) -> pd.DataFrame:
    way: dict[str, Any] = {"sep": separator, "encoding": UTF8, "index_col": False}
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame: pd.DataFrame = pd.read_csv(path, low_memory=False, **way)
    if separator == ";" and any(_commas(frame[name]) for name in frame):
        frame = pd.read_csv(path, low_memory=False, decimal=",", **way)
    return frame


def _commas(column: pd.Series) -> bool:
    """Whether these are numbers like 1,5, as spreadsheets write them in much of Europe."""
    words = column.dropna()
    if not len(words) or pd.api.types.is_numeric_dtype(column):
        return False
    return bool(words.astype(str).str.fullmatch(r"\s*-?\d+(,\d+)?\s*").all())


UTF8 = "utf-8-sig"  # with the mark that spreadsheets write, or without it


def _separator(path: Path) -> str:
    """What makes the most names of the header; a comma within quotes makes none."""
    name = path.name.lower()
    if name.endswith((".tsv", ".tsv.gz")):
        return "\t"
    opened = gzip.open if name.endswith(".gz") else open
    with opened(path, "rt", encoding=UTF8) as file:
        header: str = file.readline(LINE)
        while header.isspace():
            header = file.readline(LINE)

    def names(separator: str) -> int:
        return len(next(csv.reader([header], delimiter=separator), []))

    return max(SEPARATORS, key=names)
