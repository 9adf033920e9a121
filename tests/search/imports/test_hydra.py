from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search.errors import SweepError

from .drafts import drafted, notes, of


def parameter(text: str) -> Any:
    return of({"hydra": {"sweeper": {"params": {"x": text}}}}, "hydra").parameters["x"]


def test_a_sweeper_becomes_a_sweep_file() -> None:
    values = drafted("hydra.yaml").values
    assert values["parameters"] == {
        "optimizer.lr": {"min": 1e-5, "max": 0.1, "log": True},
        "optimizer.name": {"values": ["sgd", "adam", "my own"]},
        "model.layers": {"min": 1, "max": 4},
        "model.units": {"min": 16, "max": 256, "step": 16},
        "model.dropout": {"min": 0.0, "max": 0.5},
        "model.heads": {"min": 1, "max": 8},
        "batch_size": {"values": [16, 32, 64]},
        "trainer.max_epochs": 10,
    }
    names = ("name", "trials", "sampler", "slots", "seed", "scheduler", "max_epochs")
    assert [values[n] for n in names] == ["mnist", 25, "tpe", 2, 123, "none", 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("choice(true, null, 1, 2.5, 'a, b')", {"values": [True, None, 1, 2.5, "a, b"]}),
        ("interval(1, 8)", {"min": 1, "max": 8}),
        ("float(interval(1, 8))", {"min": 1.0, "max": 8.0}),
        ("tag(log, int(interval(1, 64)))", {"min": 1, "max": 64, "log": True}),
        ("range(4)", {"min": 0, "max": 4}),
        ("range(start=1, stop=9, step=2)", {"min": 1, "max": 9, "step": 2}),
        ("range(-5.5, 5.5, step=0.5)", {"min": -5.5, "max": 5.5, "step": 0.5}),
        ("shuffle(range(1, 4))", {"min": 1, "max": 4}),
        ("adam", "adam"),
    ],
)
def test_overrides_have_a_counterpart(text: str, expected: Any) -> None:
    assert parameter(text) == expected


def test_several_directions_become_several_metrics() -> None:
    draft = drafted("hydra-two.yaml")
    assert draft.values["metric"] == [
        {"name": "values_0", "goal": "minimize"},
        {"name": "values_1", "goal": "maximize"},
    ]
    assert draft.values["sampler"] == "nsga2"


def test_the_search_space_of_version_1_1_is_read_too() -> None:
    assert drafted("hydra-two.yaml").parameters == {
        "x": {"min": 0.0, "max": 5.0, "step": 0.5},
        "y": {"values": [1, 2, 3]},
    }


def test_the_app_is_not_in_it_and_an_example_says_how_to_put_it_in() -> None:
    draft = drafted("hydra-two.yaml")
    assert draft.example == ("command", "python my_app.py x={x} y={y}")
    assert "what trains is still to be put in" in notes(draft, "")


@pytest.mark.parametrize("text", ["glob(*)", "extend_list(1, 2)", "tag(" * 30 + "1" + ")" * 30])
def test_an_override_that_is_no_sweep_is_refused(text: str) -> None:
    with pytest.raises(SweepError, match=r"^sweep: hydra\.sweeper\.params\.x: "):
        parameter(text)
