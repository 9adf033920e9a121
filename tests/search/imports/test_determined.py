from __future__ import annotations

import copy
from typing import Any

import pytest

from nightsweep.search.errors import SweepError

from .drafts import drafted, notes, of

SEARCH: dict[str, Any] = {
    "hyperparameters": {
        "lr": {"type": "log", "minval": -3, "maxval": -1},
        "global_batch_size": 32,
    },
    "searcher": {"name": "adaptive_asha", "metric": "loss", "max_length": {"epochs": 64}},
    "entrypoint": "python3 train.py",
}


def searched(**searcher: Any) -> dict[str, Any]:
    given = copy.deepcopy(SEARCH)
    given["searcher"] |= searcher
    return of(given, "determined").values


def test_an_adaptive_search_becomes_a_sweep_file() -> None:
    values = drafted("determined.yaml").values
    assert values["parameters"] == {
        "global_batch_size": 64,
        "learning_rate": {"min": 1e-4, "max": 1.0, "log": True},
        "n_filters1": {"min": 8, "max": 64},
        "dropout1": {"min": 0.2, "max": 0.8},
        "optimizer.name": {"values": ["adam", "sgd"]},
        "optimizer.weight_decay": 1e-4,
    }
    assert values["metric"] == {"name": "validation_loss", "goal": "minimize"}
    assert values["resources"] == {"cpus": 1, "gpus": 1}
    names = ("trials", "slots", "retries", "seed", "sampler")
    assert [values[name] for name in names] == [16, 4, 5, 777, "auto"]


def test_batches_become_epochs_by_what_a_batch_and_an_epoch_hold() -> None:
    draft = drafted("determined.yaml")
    assert draft.values["max_epochs"] == 16
    assert notes(draft, "max_epochs") == (
        "15,000 batches of 64 records are 16 epochs of 60,000: report once an epoch"
    )


@pytest.mark.parametrize(
    ("searcher", "epochs"),
    [
        ({"max_length": {"epochs": 5}}, 5),
        ({"max_length": None, "max_time": 12, "time_metric": "epochs"}, 12),
        ({"max_length": {"batches": 937}}, 27),
        ({"max_length": 1000}, 27),
    ],
)
def test_every_way_to_say_how_long_is_read(searcher: dict[str, Any], epochs: int) -> None:
    assert searched(**searcher)["max_epochs"] == epochs


def test_validation_periods_count_as_epochs_where_nothing_else_says_what_an_epoch_is() -> None:
    given = copy.deepcopy(SEARCH) | {"min_validation_period": {"batches": 100}}
    given["searcher"]["max_length"] = {"batches": 1000}
    draft = of(given, "determined")
    assert draft.values["max_epochs"] == 10
    assert "a report every 100" in notes(draft, "max_epochs")


def test_rungs_lie_where_determined_has_them() -> None:
    assert searched(divisor=4, max_rungs=3, mode="conservative")["scheduler"] == {
        "name": "asha",
        "eta": 4,
        "grace": 4,
        "mode": "conservative",
    }
    assert searched()["scheduler"] == {"name": "asha", "eta": 4, "grace": 1, "mode": "standard"}
    assert searched(stop_once=True)["scheduler"]["form"] == "stopping"


def test_a_grid_has_the_counts_that_determined_has() -> None:
    values = drafted("determined-grid.yaml").values
    assert values["sampler"] == "grid"
    assert values["scheduler"] == "none"
    assert values["metric"]["goal"] == "maximize"
    assert values["parameters"] == {
        "learning_rate": {"values": [0.001, 0.01, 0.1]},
        "n_filters1": {"values": [8, 20, 32]},
        "dropout1": {"values": [0.0, 0.25, 0.5]},
        "global_batch_size": 64,
    }


@pytest.mark.parametrize("name", ["pbt", "custom"])
def test_a_searcher_without_counterpart_is_named(name: str) -> None:
    given = copy.deepcopy(SEARCH)
    given["searcher"]["name"] = name
    draft = of(given, "determined")
    assert draft.values["sampler"] == "auto"
    assert f"no counterpart: searcher {name}" in notes(draft, "sampler")


def test_a_single_trial_stays_one() -> None:
    values = searched(name="single")
    assert (values["trials"], values["scheduler"]) == (1, "none")


def test_a_launcher_gives_way_where_a_trial_has_one_slot() -> None:
    assert drafted("determined.yaml").values["command"] == "python3 train.py --data /data"


def test_a_launcher_becomes_torchrun_where_it_has_several() -> None:
    launch = "python3 -m determined.launch.torch_distributed python3 train.py --lr 1"
    given = SEARCH | {"entrypoint": launch, "resources": {"slots_per_trial": 4}}
    draft = of(given, "determined")
    command = draft.values["command"]
    assert command == "torchrun --standalone --nproc-per-node=4 train.py --lr 1"
    assert draft.values["resources"]["gpus"] == 4
    assert "never tried" in notes(draft, "command")


@pytest.mark.parametrize(
    "entrypoint",
    [
        "model_def:MNistTrial",
        "python3 -m determined.launch.torch_distributed --trial model_def:MNistTrial",
    ],
)
def test_a_trial_class_is_no_training_function_and_that_is_said(entrypoint: str) -> None:
    draft = of(SEARCH | {"entrypoint": entrypoint}, "determined")
    assert "command" not in draft.values
    assert draft.example == ("train", "model_def.py:train")
    assert "model_def:MNistTrial is a Trial class" in notes(draft, "")


def test_what_has_no_counterpart_is_named() -> None:
    draft = drafted("determined.yaml")
    assert notes(draft, "") == "no counterpart: checkpoint_storage, bind_mounts"


def test_a_missing_metric_is_refused() -> None:
    given = copy.deepcopy(SEARCH)
    del given["searcher"]["metric"]
    with pytest.raises(SweepError, match=r"searcher\.metric: is missing"):
        of(given, "determined")
