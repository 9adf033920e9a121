"""Tables are read from files and from scikit-learn; what cannot be read is said in a sentence."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pandas as pd
import pytest

from nightsweep.search.errors import DataError
from nightsweep.trainables.table.read import KNOWN, read

TEXT = "area,kind,price\n50,flat,200\n80,house,310\n"


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", TEXT),
        ("a.csv", "\ufeff" + TEXT),
        ("a.csv", TEXT.replace(",", ";")),
        ("a.tsv", TEXT.replace(",", "\t")),
        ("A.CSV", TEXT.replace("\n", "\r\n")),
        ("a.csv", "\n\n" + TEXT.replace(",", ";")),
    ],
)
def test_text_is_a_table_whatever_separates_its_values(
    tmp_path: Path, name: str, text: str
) -> None:
    frame = read(written(tmp_path, name, text))
    assert list(frame.columns) == ["area", "kind", "price"]
    assert frame["price"].tolist() == [200, 310]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", '"price, in euro";kind\n1;2\n'),
        ("a.tsv", "price, in euro\tkind\n1\t2\n"),
        ("a.csv", '"price, in euro",kind\n1,2,\n'),  # each line ends in a separator
    ],
)
def test_a_comma_in_a_name_separates_nothing(tmp_path: Path, name: str, text: str) -> None:
    frame = read(written(tmp_path, name, text))
    assert (list(frame.columns), frame["kind"].tolist()) == (["price, in euro", "kind"], [2])


def test_numbers_may_have_commas_where_semicolons_separate(tmp_path: Path) -> None:
    frame = read(written(tmp_path, "a.csv", "area;kind;price\n50,5;flat;200\n80;a,b;1,25\n"))
    assert frame["area"].tolist() == [50.5, 80.0]
    assert frame["price"].tolist() == [200.0, 1.25]
    assert frame["kind"].tolist() == ["flat", "a,b"]


def test_compressed_text_and_parquet_hold_the_same_table(tmp_path: Path) -> None:
    plain = read(written(tmp_path, "a.csv", TEXT))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    plain.to_parquet(tmp_path / "a.parquet")
    assert read(str(tmp_path / "a.csv.gz")).equals(plain)
    assert read(str(tmp_path / "a.parquet")).equals(plain)


def test_a_table_is_read_once_and_anew_when_its_file_changes(tmp_path: Path) -> None:
    source = written(tmp_path, "a.csv", TEXT)
    assert read(source) is read(source)
    written(tmp_path, "a.csv", TEXT.replace("310", "311"))
    os.utime(source, (1, 1))
    assert read(source)["price"].tolist() == [200, 311]


@pytest.mark.parametrize("name", KNOWN)
def test_sets_of_scikit_learn_have_a_target(name: str) -> None:
    assert "target" in read(f"sklearn:{name}")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("sklearn:breast_cancr", 'not one of .* Did you mean "breast_cancer"'),
        ("sklearn:fetch_openml", "is not one of digits, iris"),
        ("torchvision:MNIST", "is no table"),
    ],
)
def test_an_unknown_set_is_said(source: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(source)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"a,b\n", "holds no rows"),
        ("a.csv", b"a,a\n1,2\n", "has two columns 'a'"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n", "is no table: .*line 3"),
        ("a.csv", b"a,b\n1,2,3\n1,2,3\n", "has rows of more values than there are names"),
        ("a.csv", "größe,b\n1,2\n".encode("latin-1"), "is not UTF-8"),
        ("a.csv", b"x" * 200_000, "is no table: field larger"),
        ("a.csv.gz", b"a,b\n1,2\n", "is no table"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99)[:-20] + b"x" * 20, "is no table"),
        ("a.parquet", b"a,b\n1,2\n", "is no Parquet file"),
        ("a.xlsx", b"x", "not a table that is read here: .csv"),
    ],
)
def test_a_broken_file_is_said(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(str(tmp_path / name))


def test_a_file_that_is_not_there_and_a_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mine\.csv is not there"):
        read(str(tmp_path / "mine.csv"))
    with pytest.raises(DataError, match="is a folder; a table is one file"):
        read(str(tmp_path))


def test_names_of_columns_are_text(tmp_path: Path) -> None:
    pd.DataFrame({0: [1, 2], 1: [3, 4]}).rename(columns=str).to_parquet(tmp_path / "a.parquet")
    assert list(read(str(tmp_path / "a.parquet")).columns) == ["0", "1"]
