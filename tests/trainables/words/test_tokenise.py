"""How texts are cut into words."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from nightsweep.search.errors import DataError
from nightsweep.trainables.words.tokenise import tokenised


def test_words_are_in_lower_case_and_signs_are_words() -> None:
    assert tokenised(["It's GOOD, ok?"], None, 99) == [["it", "'", "s", "good", ",", "ok", "?"]]


def test_signs_that_are_written_without_spaces_are_words_each() -> None:
    assert tokenised(["很好 film"], None, 99) == [["很", "好", "film"]]


def test_accents_and_other_alphabets_stay_whole() -> None:
    assert tokenised(["Łódź Ünïcode привет"], None, 99) == [["łódź", "ünïcode", "привет"]]


def test_long_texts_are_cut_off() -> None:
    assert tokenised(["a b c d"], None, 2) == [["a", "b"]]


def test_a_tokenizer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tokenizer .* is not there, or is no tokenizer\.json"):
        tokenised(["a"], str(tmp_path), 9)


def test_without_the_package_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    there = builtins.__import__

    def away(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "tokenizers":
            raise ImportError(name)
        return there(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", away)
    with pytest.raises(DataError, match="pip install tokenizers"):
        tokenised(["a"], str(tmp_path), 9)
