"""Texts cut into words: by a rule of our own, or by a tokenizer of Hugging Face's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...search.errors import DataError

FILE = "tokenizer.json"
# Where words are written without spaces between them (Chinese, Japanese), a sign is a word.
SIGNS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
WORD = re.compile(rf"[{SIGNS}]|[^\W{SIGNS}]+|[^\w\s]")

Words = list[str]


def tokenised(texts: Sequence[str], tokenizer: str | None, longest: int) -> list[Words]:
    """Of each text its first `longest` words, in lower case; signs such as "!" are words too.

    Args:
        tokenizer: The path of a Hugging Face tokenizer, which then says what a word is.
    Errors: DataError, where that cannot be read.
    """
    if tokenizer is None:
        return [WORD.findall(text.lower())[:longest] for text in texts]
    cut = _stored(Path(tokenizer))
    return [
        encoded.tokens[:longest]
        for encoded in cut.encode_batch(list(texts), add_special_tokens=False)
    ]


def _stored(path: Path) -> Any:
    """A tokenizer from its file, or from the folder that it lies in."""
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise DataError(
            f"tokenizer {path} is not there, or is no {FILE} or a folder with one; Hugging Face's "
            "save_pretrained(folder) writes it"
        )
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise DataError(
            "tokenizer: needs the package tokenizers, which is not installed; pip install "
            "tokenizers, or leave tokenizer: out"
        ) from None
    try:
        found = Tokenizer.from_file(str(file))
    except Exception as error:  # the package raises nothing more special
        raise DataError(f"{file} is no tokenizer: {error}") from None
    found.no_truncation()
    found.no_padding()
    return found
