from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search.errors import SweepError

from .drafts import drafted, notes, of


def parameter(raw: dict[str, Any]) -> Any:
    return of({"method": "random", "parameters": {"x": raw}}, "wandb").parameters["x"]


def test_a_sweep_becomes_a_sweep_file() -> None:
    values = drafted("wandb.yaml").values
    assert values["metric"] == {"name": "validation_loss", "goal": "minimize"}
    assert values["parameters"] == {
        "learning_rate": {"min": 1e-5, "max": 0.1, "log": True},
        "batch_size": {"min": 32, "max": 256, "log": True},
        "fc_layer_size": {"values": [128, 256, 512]},
        "dropout": {"min": 0.1, "max": 0.5, "default": 0.3, "prior": "low"},
        "optimizer.name": {"values": ["adam", "sgd"]},
        "optimizer.momentum": {"min": 0.5, "max": 0.99},
        "epochs": 27,
    }
    assert values["constraints"] == ["batch_size % 8 == 0"]
    assert values["sampler"] == "auto"
    assert (values["trials"], values["max_epochs"]) == (40, 27)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"min": 1, "max": 8}, {"min": 1, "max": 8}),
        ({"min": 0.0, "max": 1}, {"min": 0.0, "max": 1.0}),
        ({"distribution": "log_uniform", "min": -2.302585, "max": 0}, (0.1, 1.0)),
        ({"distribution": "inv_log_uniform", "min": 0, "max": 2.302585}, (0.1, 1.0)),
        ({"distribution": "inv_log_uniform_values", "min": 0.1, "max": 1}, (0.1, 1.0)),
        ({"distribution": "q_uniform", "min": 0.1, "max": 0.5, "q": 0.2}, (0.2, 0.4, 0.2)),
        ({"values": ["a", "b", "a"]}, {"values": ["a", "b"]}),
        ({"value": "adam"}, "adam"),
    ],
)
def test_distributions_have_a_counterpart(raw: dict[str, Any], expected: Any) -> None:
    if isinstance(expected, tuple) and len(expected) == 2:
        expected = {"min": expected[0], "max": expected[1], "log": True}
    elif isinstance(expected, tuple):
        expected = dict(zip(("min", "max", "step"), expected, strict=True))
    assert parameter(raw) == expected


def test_hyperband_becomes_asha_that_ends_trials() -> None:
    assert drafted("wandb.yaml").values["scheduler"] == {
        "name": "asha",
        "eta": 3,
        "grace": 3,
        "form": "stopping",
    }


def test_brackets_from_the_end_give_the_first_rung() -> None:
    early = {"type": "hyperband", "max_iter": 27, "s": 2, "eta": 3}
    given = {"method": "random", "parameters": {"x": {"values": [1, 2]}}, "early_terminate": early}
    values = of(given, "wandb").values
    assert values["max_epochs"] == 27
    assert values["scheduler"]["grace"] == 3


def test_the_program_is_given_its_parameters_as_options() -> None:
    assert drafted("wandb.yaml").values["command"] == (
        "python train.py --learning_rate={learning_rate} --batch_size={batch_size} "
        "--fc_layer_size={fc_layer_size} --dropout={dropout} --optimizer.name={optimizer.name} "
        "--optimizer.momentum={optimizer.momentum} --epochs={epochs}"
    )


def test_a_command_of_its_own_is_kept_word_by_word() -> None:
    command = drafted("wandb-command.yaml").values["command"]
    assert command == "python3 train.py --data 'my data.csv' lr={lr} layers={layers}"


def test_without_early_stopping_all_train_to_their_end_and_that_is_said() -> None:
    draft = drafted("wandb-command.yaml")
    assert draft.values["scheduler"] == "none"
    assert "asha ends the weak ones" in notes(draft, "scheduler")


def test_what_has_no_counterpart_is_named() -> None:
    assert notes(drafted("wandb.yaml"), "") == "no counterpart: project, entity"


def test_a_sweep_without_an_end_gets_one_and_is_told() -> None:
    draft = of({"method": "bayes", "parameters": {"x": {"min": 0.0, "max": 1.0}}}, "wandb")
    assert draft.values["trials"] == 60
    assert "run_cap" in notes(draft, "trials")


def test_a_distribution_that_is_unknown_is_refused_by_its_parameter() -> None:
    with pytest.raises(SweepError) as refused:
        parameter({"distribution": "zipf", "min": 0, "max": 1})
    assert refused.value.problems[0].key == ("parameters", "x", "distribution")
    assert "zipf is none that is known here" in str(refused.value)


@pytest.mark.parametrize(
    ("word", "had"),
    [
        ("${args}", "as True and False"),
        ("${args_no_hyphens}", "as True and False"),
        ("${args_no_boolean_flags}", "as a flag, or not at all"),
    ],
)
def test_how_true_and_false_come_to_the_program_is_told(word: str, had: str) -> None:
    given = {
        "method": "random",
        "program": "train.py",
        "command": ["python", "${program}", word],
        "parameters": {"lr": {"min": 0.1, "max": 1.0}},
    }
    assert "W&B has them" not in notes(of(given, "wandb"), "command")
    for flag in ({"values": [True, False]}, {"value": True}):
        with_flag = given | {"parameters": {"flag": flag}}
        assert f"W&B has them {had}" in notes(of(with_flag, "wandb"), "command")
