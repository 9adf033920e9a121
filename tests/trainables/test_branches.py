"""What an objective asks for, and on which choices it hangs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nightsweep.search import Choice, Float, Int
from nightsweep.search.space import Parameter, Space
from nightsweep.trainables.branches import parameters
from nightsweep.trainables.probe import MOST, Recording, Seen, ended, explored

Objective = Callable[[Any], Any]


def looked_at(objective: Objective) -> list[Seen]:
    """All runs, in this process."""

    def run(answers: dict[str, Any]) -> Seen:
        seen = Seen()

        def tell(message: tuple[str, str, Any, Any]) -> None:
            _, name, parameter, answer = message
            seen.questions[name], seen.answers[name] = parameter, answer

        _, seen.end, seen.error = ended(objective, Recording(answers, tell))
        return seen

    return list(explored(run))


def found(objective: Objective) -> dict[str, Any]:
    made = parameters(looked_at(objective))
    assert list(Space(made).problems()) == []
    return made


def test_a_flat_space_is_taken_as_it_is() -> None:
    def objective(trial: Any) -> float:
        trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        trial.suggest_float("momentum", 0.0, 0.9, step=0.3)
        trial.suggest_int("units", 16, 256)
        trial.suggest_int("rows", 8, 64, step=8)
        trial.suggest_uniform("old", 0, 1)
        trial.suggest_categorical("act", ["relu", None, True])
        trial.suggest_int("always", 3, 3)
        return 1.0

    assert found(objective) == {
        "lr": Float(min=1e-5, max=1e-1, log=True),
        "momentum": Float(min=0.0, max=0.9, step=0.3),
        "units": Int(min=16, max=256),
        "rows": Int(min=8, max=64, step=8),
        "old": Float(min=0.0, max=1.0),
        "act": Choice(values=["relu", None, True]),
        "always": 3,
    }


def test_what_is_asked_in_one_branch_only_has_a_condition() -> None:
    def objective(trial: Any) -> float:
        if trial.suggest_categorical("optimizer", ["adam", "sgd", "rmsprop"]) != "adam":
            trial.suggest_float("momentum", 0.0, 1.0)
            if trial.suggest_categorical("nesterov", [False, True]):
                trial.suggest_float("damping", 0.0, 1.0)
        trial.suggest_categorical("act", ["relu", "gelu"])
        return 1.0

    made = found(objective)
    assert made["momentum"].when == {"optimizer": ["sgd", "rmsprop"]}
    assert made["damping"].when == {"nesterov": True}
    assert made["act"].when is None


def test_layers_have_the_units_that_they_are_so_many_of() -> None:
    def objective(trial: Any) -> float:
        for n in range(trial.suggest_int("layers", 1, 3)):
            trial.suggest_int(f"units_{n}", 16, 64)
        return 1.0

    made = found(objective)
    assert made["units_0"].when is None
    assert made["units_1"].when == {"layers": [2, 3]}
    assert made["units_2"].when == {"layers": 3}


def test_of_many_layers_the_last_is_seen_too_and_is_always_there() -> None:
    def objective(trial: Any) -> float:
        for n in range(trial.suggest_int("layers", 1, 20)):
            trial.suggest_int(f"units_{n}", 16, 64)
        return 1.0

    made = found(objective)
    assert {f"units_{n}" for n in range(20)} < set(made)
    assert made["units_19"].when is None


def test_what_hangs_on_two_choices_is_always_there() -> None:
    def objective(trial: Any) -> float:
        first = trial.suggest_categorical("a", [0, 1])
        if trial.suggest_categorical("b", [0, 1]) != first:
            trial.suggest_float("x", 0.0, 1.0)
        return 1.0

    assert found(objective)["x"].when is None


def test_a_range_that_moves_is_as_wide_as_was_seen() -> None:
    def objective(trial: Any) -> float:
        low = trial.suggest_categorical("low", [4, 8])
        trial.suggest_int("units", low, 16 * low, log=True)
        return 1.0

    assert found(objective)["units"] == Int(min=4, max=128, log=True)


def test_an_error_in_one_branch_makes_no_condition() -> None:
    def objective(trial: Any) -> float:
        if trial.suggest_categorical("kind", ["a", "b"]) == "b":
            raise RuntimeError("no GPU")
        trial.suggest_float("x", 0.0, 1.0)
        return 1.0

    assert found(objective)["x"].when is None


def test_a_run_that_was_cut_off_does_not_say_what_is_absent() -> None:
    ranges: dict[str, Parameter] = {"n": Int(min=1, max=2), "x": Float(min=0.0, max=1.0)}
    whole = Seen(questions=ranges, answers={"n": 1, "x": 0.5}, end="reported")
    cut = Seen(questions={"n": ranges["n"]}, answers={"n": 2}, end="cut")
    quiet = Seen(questions={"n": ranges["n"]}, answers={"n": 2}, end="quiet")
    assert parameters([whole, cut])["x"].when is None
    assert parameters([whole, quiet])["x"].when == {"n": 1}


@pytest.mark.parametrize("begin", ["report", "should_prune", "epochs"])
def test_it_is_run_until_it_begins_to_train(begin: str) -> None:
    def objective(trial: Any) -> float:
        trial.suggest_float("x", 0.0, 1.0)
        trial.keep(model=None)
        if begin == "report":
            trial.report(1.0, 0)
        elif begin == "should_prune":
            trial.should_prune()
        else:
            list(trial.epochs())
        raise AssertionError("it trains")

    assert [seen.end for seen in looked_at(objective)] == ["reported"]


def test_there_is_an_end_to_looking() -> None:
    def objective(trial: Any) -> float:
        for n in range(100):
            trial.suggest_categorical(f"c{n}", [1, 2, 3])
        return 1.0

    assert len(looked_at(objective)) == MOST
