from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search.errors import SweepError
from nightsweep.search.imports.syne_tune import of_program

from .drafts import drafted, notes


def parameter(code: str) -> Any:
    return of_program(f"config_space = {{'x': {code}, 'n': 1}}").parameters["x"]


def test_a_program_becomes_a_sweep_file() -> None:
    values = drafted("syne_tune.py").values
    assert values["parameters"] == {
        "n_units_1": {"min": 4, "max": 1024},
        "batch_size": {"min": 8, "max": 128, "log": True},
        "dropout_1": {"min": 0.0, "max": 0.99},
        "learning_rate": {"min": 1e-6, "max": 1.0, "log": True},
        "optimizer": {"values": ["sgd", "adam"]},
        "epochs": 27,
    }
    assert values["metric"] == {"name": "validation_error", "goal": "minimize"}
    assert values["scheduler"] == {"name": "asha", "grace": 1, "eta": 3}
    names = ("sampler", "max_epochs", "time", "slots", "seed")
    assert [values[name] for name in names] == ["random", 27, "1800s", 4, 31415927]
    assert values["command"].startswith("python train_mlp.py --n_units_1={n_units_1} ")


def test_a_program_is_read_and_never_run(tmp_path: Any) -> None:
    mark = tmp_path / "ran"
    of_program(
        f"open({str(mark)!r}, 'w')\nconfig_space = {{'x': uniform(0, 1), 'y': randint(0, 9)}}"
    )
    assert not mark.exists()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("uniform(0, 1)", {"min": 0.0, "max": 1.0}),
        ("cs.loguniform(lower=1e-6, upper=1)", {"min": 1e-6, "max": 1.0, "log": True}),
        ("randint(1, 2 * 8)", {"min": 1, "max": 16}),
        ("lograndint(1, 64)", {"min": 1, "max": 64, "log": True}),
        ("finrange(0.1, 0.5, 5)", {"values": [0.1, 0.2, 0.3, 0.4, 0.5]}),
        ("logfinrange(16, 256, 5, cast_int=True)", {"values": [16, 32, 64, 128, 256]}),
        ("ordinal([8, 32, 128], kind='nn')", {"values": [8, 32, 128]}),
        ("quniform(0, 1, 0.25)", {"min": 0.0, "max": 1.0, "step": 0.25}),
        ("-0.5", -0.5),
    ],
)
def test_domains_have_a_counterpart(code: str, expected: Any) -> None:
    assert (
        of_program(f"config_space = {{'x': {code}, 'y': randint(0, 1)}}").parameters["x"]
        == expected
    )


def test_the_space_as_json_is_read_too() -> None:
    assert drafted("syne_tune.json").parameters == {
        "n_units": {"min": 4, "max": 1024, "log": True},
        "lr": {"min": 1e-6, "max": 1.0, "log": True},
        "dropout": {"min": 0.0, "max": 0.99},
        "width": {"values": [16, 32, 64, 128, 256]},
        "optimizer": {"values": ["sgd", "adam"]},
        "max_resource_level": 27,
    }


def test_a_scheduler_that_maximises_says_so() -> None:
    code = (
        "config_space = {'x': uniform(0, 1)}\nRandomSearch(config_space, metric='acc', mode='max')"
    )
    values = of_program(code).values
    assert values["metric"] == {"name": "acc", "goal": "maximize"}
    assert (values["sampler"], values["scheduler"]) == ("random", "none")


def test_of_several_metrics_the_first_is_taken_and_the_others_are_told() -> None:
    draft = of_program("config_space = {'x': uniform(0, 1)}\nRandomSearch(metrics=['a', 'b'])")
    assert draft.values["metric"]["name"] == "a"
    assert "there were several; add b" in notes(draft, "metric")


@pytest.mark.parametrize("given", ["metrics=names()", "metric=name()", "metrics=[name()]"])
def test_a_metric_that_only_running_it_would_tell_is_left_open(given: str) -> None:
    draft = of_program(f"config_space = {{'x': uniform(0, 1)}}\nRandomSearch({given})")
    assert draft.values["metric"]["name"] == "val_loss"
    assert "none was found" in notes(draft, "metric")


def test_what_only_running_it_would_tell_is_refused_by_its_name() -> None:
    with pytest.raises(SweepError, match=r"config_space\.x: .* without running it"):
        parameter("choice([f(1), 2])")
    with pytest.raises(SweepError, match=r"config_space\.x: .* without running it"):
        parameter("loguniform(low(), 1)")
    with pytest.raises(SweepError, match=r"config_space\.x: os\.environ\['N'\] cannot be read"):
        of_program("config_space = {'x': os.environ['N'], 'y': uniform(0, 1)}")


def test_a_program_without_a_space_is_refused() -> None:
    with pytest.raises(SweepError, match="holds no config_space"):
        of_program("print('hello')")


def test_what_is_no_python_is_refused_with_the_line() -> None:
    with pytest.raises(SweepError, match=r"is no Python: .*, line 2"):
        of_program("x = 1\ny = (")


def test_a_program_that_is_not_found_leaves_an_example() -> None:
    draft = of_program("config_space = {'x': uniform(0, 1)}")
    assert draft.example == ("command", "python train.py --x={x}")
    assert "no entry_point was found" in notes(draft, "")
