"""A tokenizer of Hugging Face's, where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightsweep.search.errors import DataError
from nightsweep.trainables.words.tokenise import tokenised

pytestmark = pytest.mark.examples
tokenizers = pytest.importorskip("tokenizers")

TEXTS = ["low lower lowest", "new newer newest"] * 20


def stored(folder: Path) -> Path:
    made = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.train_from_iterator(
        TEXTS,
        tokenizers.trainers.BpeTrainer(
            vocab_size=14, special_tokens=["[UNK]"], show_progress=False
        ),
    )
    made.enable_padding()
    made.enable_truncation(2)
    made.save(str(folder / "tokenizer.json"))
    return folder


def test_it_says_what_a_word_is_and_our_length_holds(tmp_path: Path) -> None:
    (words, short) = tokenised(["lowest newest", "low"], str(stored(tmp_path)), 99)
    assert "".join(words) == "lowestnewest"
    assert len(words) > 2
    assert "".join(short) == "low"
    assert tokenised(["lowest newest"], str(tmp_path / "tokenizer.json"), 1) == [words[:1]]


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match=r"tokenizer\.json is no tokenizer"):
        tokenised(["low"], str(tmp_path), 9)
