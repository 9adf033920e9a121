"""Words as numbers, in their order: what a transformer reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from .tokenise import Words

PADDING, START, UNKNOWN = 0, 1, 2
FIRST = 3  # number of the most frequent word
PIECE = 6  # letters of a piece of a word, at most


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of the training rows that are frequent enough, and pieces of those that are not.

    A word that is not known is read as the longest pieces that are, from its left to its right,
    as WordPiece does (Wu et al. 2016, "Google's neural machine translation system").
    """

    words: Mapping[str, int]
    pieces: Mapping[str, int]

    @classmethod
    def learned(cls, texts: Iterable[Words], *, least: int, most: int) -> Vocabulary:
        """Of training rows. `least`: how many of them a word must be in; `most`: words, pieces."""
        # dict.fromkeys, not set: of equals the first comes first, in every process alike.
        counts = Counter(chain.from_iterable(map(dict.fromkeys, texts)))
        frequent = [word for word, count in counts.most_common(most) if count >= least]
        words = {word: FIRST + place for place, word in enumerate(frequent)}
        rare = (word for word in counts if word not in words)
        cuts = Counter(chain.from_iterable(dict.fromkeys(_cuts(word)) for word in rare))
        found = [piece for piece, count in cuts.most_common(most) if count >= least]
        pieces = {piece: FIRST + len(words) + place for place, piece in enumerate(found)}
        return cls(words, pieces)

    def __len__(self) -> int:
        return FIRST + len(self.words) + len(self.pieces)

    def numbers(self, text: Words, longest: int) -> list[int]:
        """Of a text, `longest` at most, after one that stands for its start."""
        read = chain.from_iterable(map(self._read, text))
        return [START, *(number for number, _ in zip(read, range(longest), strict=False))]

    def _read(self, word: str) -> Sequence[int]:
        known = self.words.get(word)
        return list(self._pieces(word)) if known is None else (known,)

    def _pieces(self, word: str) -> Iterator[int]:
        start, read = 0, False
        while start < len(word):
            sizes = range(min(PIECE, len(word) - start), 0, -1)
            size = next((n for n in sizes if word[start : start + n] in self.pieces), 0)
            if size:
                yield self.pieces[word[start : start + size]]
                read = True
            start += size or 1
        if not read:
            yield UNKNOWN


def _cuts(word: str) -> Iterator[str]:
    for size in range(1, PIECE + 1):
        for start in range(len(word) - size + 1):
            yield word[start : start + size]
