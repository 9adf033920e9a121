"""Words as numbers."""

from __future__ import annotations

from nightsweep.trainables.words.vocabulary import FIRST, START, UNKNOWN, Vocabulary

TEXTS = [["red", "fox"], ["red", "hen"], ["red", "fox"], ["hat"], ["ten"]]


def test_the_most_frequent_word_has_the_first_number() -> None:
    known = Vocabulary.learned(TEXTS, least=2, most=9)
    assert known.numbers(["red", "fox"], 9) == [START, FIRST, FIRST + 1]


def test_words_as_frequent_as_others_are_numbered_as_they_come_in_every_process() -> None:
    text = [f"word{number}" for number in range(50)]
    known = Vocabulary.learned([text, text], least=2, most=99)
    assert list(known.words) == text
    pieces = Vocabulary.learned([text], least=2, most=99).pieces
    assert list(pieces)[:4] == ["w", "o", "r", "d"]


def test_no_more_words_are_known_than_asked_for() -> None:
    assert list(Vocabulary.learned(TEXTS, least=1, most=1).words) == ["red"]


def test_a_rare_word_is_read_in_the_longest_pieces_that_rare_words_share() -> None:
    known = Vocabulary.learned(TEXTS, least=2, most=99)
    assert "hen" not in known.words
    assert "en" in known.pieces  # of hen and ten
    assert known.numbers(["hen"], 9) == [START, known.pieces["h"], known.pieces["en"]]


def test_a_word_without_a_known_letter_is_unknown() -> None:
    known = Vocabulary.learned(TEXTS, least=2, most=99)
    assert known.numbers(["zzz"], 9) == [START, UNKNOWN]


def test_a_text_that_is_cut_off_keeps_its_start() -> None:
    known = Vocabulary.learned(TEXTS, least=2, most=99)
    assert known.numbers(["fox", "red", "red"], 1) == [START, FIRST + 1]


def test_numbers_fit_the_vocabulary() -> None:
    known = Vocabulary.learned(TEXTS, least=2, most=99)
    numbers = [number for text in TEXTS for number in known.numbers(text, 99)]
    assert max(numbers) < len(known)
