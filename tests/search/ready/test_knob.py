"""A slip in the parameters of a ready-made trainable is seen before the night."""

from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search.errors import SweepError
from nightsweep.search.ready.knob import FLAG, Number, Words
from nightsweep.search.sweep import Sweep
from nightsweep.search.sweepfile import load


def of(**parameters: Any) -> Sweep:
    return Sweep(trainable="tabular", data="my.csv", parameters=parameters)


@pytest.mark.parametrize(
    ("knob", "right", "wrong"),
    [
        (Number(), [0, 0.5, 3], [-1, True, "1", [1]]),
        (Number(1, whole=True), [1, 7], [0, 1.0, 1.5]),
        (Number(most=1.0, below=True), [0, 0.99], [1.0, 1]),
        (Number(2, 5), [2, 5.0], [1.9, 5.1]),
        (Words(("32", "bf16")), ["32", 32, "bf16"], ["fp8", 16]),
        (FLAG, [True, False], ["yes", "maybe"]),
    ],
)
def test_a_knob_knows_its_values(knob: Any, right: list[Any], wrong: list[Any]) -> None:
    assert [value for value in right if knob.wrong(value)] == []
    assert [value for value in wrong if not knob.wrong(value)] == []


def test_a_number_says_what_it_may_be() -> None:
    assert Number(1, whole=True).wrong(0.5) == "must be a whole number of at least 1, not 0.5"
    assert Number(most=1, below=True).wrong(2) == "must be a number from 0 to below 1, not 2"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lr": 0.1, "layres": {"min": 1, "max": 3}}, 'layres: is no knob .*mean "layers"'),
        ({"lr": {"min": -1.0, "max": 0.1}}, "lr: must be a number of at least 0, not -1.0"),
        ({"layers": {"min": 1.0, "max": 3.0}}, "layers: must be a whole number"),
        ({"dropout": {"min": 0.0, "max": 1.0}}, "dropout: .* to below 1, not 1.0"),
        ({"optimizer": {"values": ["sgd", "adamm"]}}, 'optimizer: .*mean "adam"'),
        ({"schedule": "one_cycle"}, 'schedule: .*mean "one-cycle"'),
        ({"nesterov": "yes"}, "nesterov: 'yes' is not one of True, False"),
        ({"batch_size": {"values": [16, "all"]}}, "batch_size: must be a whole number"),
    ],
)
def test_a_slip_is_said(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(SweepError, match=rf"parameters\.{message}"):
        of(**parameters)


def test_what_is_right_is_let_through() -> None:
    of(
        lr={"min": 1e-4, "max": 0.1}, layers={"min": 0, "max": 3}, nesterov=True, epochs=None,
        precision={"values": [32, "bf16"]}, batch_size={"values": [16, 32]},
    )  # fmt: skip


def test_own_functions_take_any_parameter() -> None:
    Sweep(train="a.py:f", metric="loss", parameters={"layres": {"min": 1, "max": 3}})


def test_the_line_in_the_file_is_named(tmp_path: Any) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("trainable: tabular\ndata: a.csv\nparameters:\n  lr: 0.1\n  layres: 3\n")
    with pytest.raises(SweepError, match=r"sweep\.yaml:5: parameters\.layres: is no knob"):
        load(file)
