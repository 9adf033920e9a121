from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nightsweep.search import Choice, Float, Int
from nightsweep.search.history import History, Proposal
from nightsweep.search.samplers.admissible import ATTEMPTS, admissible, draw
from nightsweep.search.space import Config, Space

NOTHING = History()
LINE = Space({"x": Float(min=0.0, max=1.0)}, ["x <= 0.5"])


def counting(configs: Callable[[int], Config]) -> tuple[list[int], Callable[[int], Proposal]]:
    """A sampler's guesses, and which of them it was asked for."""
    asked: list[int] = []

    def guess(attempt: int) -> Proposal:
        asked.append(attempt)
        return Proposal(config=configs(attempt), origin=f"guess {attempt}")

    return asked, guess


def test_a_first_guess_that_may_be_tried_is_taken() -> None:
    asked, guess = counting(lambda attempt: {"x": 0.25})
    assert admissible(LINE, 0, 1, NOTHING, guess) == guess(0)
    assert asked == [0, 0]


def test_the_next_guess_is_asked_for_where_a_constraint_forbids_one() -> None:
    asked, guess = counting(lambda attempt: {"x": 1 - attempt / 4})
    proposal = admissible(LINE, 0, 1, NOTHING, guess)
    assert proposal == Proposal(config={"x": 0.5}, origin="guess 2")
    assert asked == [0, 1, 2]


def test_the_next_guess_is_asked_for_where_one_was_tried_already() -> None:
    _, guess = counting(lambda attempt: {"x": attempt / 8})
    proposal = admissible(LINE, 0, 1, History(tried=[{"x": 0.0}, {"x": 0.125}]), guess)
    assert proposal is not None
    assert proposal.config == {"x": 0.25}


def test_after_many_guesses_chance_decides() -> None:
    asked, guess = counting(lambda attempt: {"x": 0.75})
    proposal = admissible(LINE, 0, 1, NOTHING, guess)
    assert proposal is not None
    assert proposal.origin == "random"
    assert proposal.config["x"] <= 0.5
    assert asked == list(range(ATTEMPTS))


def test_a_sampler_may_allow_fewer_guesses_or_give_up() -> None:
    asked, guess = counting(lambda attempt: {"x": 0.75})
    assert admissible(LINE, 0, 1, NOTHING, guess, attempts=3) is not None
    assert asked == [0, 1, 2]
    proposal = admissible(LINE, 0, 1, NOTHING, lambda attempt: None)
    assert proposal is not None
    assert proposal.origin == "random"


def test_chance_is_that_of_seed_and_number() -> None:
    def chosen(seed: int, number: int) -> Any:
        proposal = admissible(LINE, seed, number, NOTHING)
        return proposal and proposal.config["x"]

    assert chosen(0, 1) == chosen(0, 1)
    assert len({chosen(seed, number) for seed in range(5) for number in range(1, 6)}) == 25


def test_the_first_draw_that_is_allowed_is_taken() -> None:
    for number in range(1, 20):
        draws = [draw(LINE, 7, number, attempt) for attempt in range(50)]
        proposal = admissible(LINE, 7, number, NOTHING)
        assert proposal is not None
        assert proposal.config == next(config for config in draws if config["x"] <= 0.5)


def test_the_last_one_left_of_many_is_found() -> None:
    space = Space({"a": Int(min=1, max=300), "b": Int(min=1, max=300)}, ["a == 150", "b >= 299"])
    proposal = admissible(space, 0, 1, History(tried=[{"a": 150, "b": 299}]))
    assert proposal is not None
    assert proposal.config == {"a": 150, "b": 300}


def test_the_next_of_those_left_is_chance_too() -> None:
    space = Space({"a": Int(min=1, max=300), "b": Int(min=1, max=300)}, ["a == 150"])
    found = set()
    for number in range(1, 40):
        proposal = admissible(space, 0, number, NOTHING)
        assert proposal is not None
        found.add(proposal.config["b"])
    assert len(found) > 30


def test_where_nothing_is_left_there_is_no_proposal() -> None:
    space = Space({"a": Int(min=1, max=3)}, ["a != 2"])
    assert admissible(space, 0, 1, History(tried=[{"a": 1}, {"a": 3}])) is None


def test_where_only_a_part_can_be_listed_the_other_part_is_tried() -> None:
    space = Space(
        {
            "optimizer": Choice(values=["sgd", "adam"]),
            "momentum": Float(min=0.0, max=0.9, when={"optimizer": "sgd"}),
        }
    )
    for number in range(1, 20):
        proposal = admissible(space, 0, number, History(tried=[{"optimizer": "adam"}]))
        assert proposal is not None
        assert proposal.config["optimizer"] == "sgd"
