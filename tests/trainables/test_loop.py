"""The training loop: what it learns, reports, and goes on with."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, Dataset, TensorDataset

from nightsweep.trainables.batches import Data
from nightsweep.trainables.job import Job
from nightsweep.trainables.knobs import KnobError, Knobs
from nightsweep.trainables.loop import fit
from nightsweep.trainables.optimizer import OPTIMIZERS
from nightsweep.trainables.schedule import SCHEDULES
from nightsweep.trainables.trial import Halted, Trial

from .links import Link


def a_trial(folder: Path, link: Link, *, epoch: int = 0, until: int = 99, last: int = 4) -> Trial:
    job = Job(
        trial=1, config={}, epoch=epoch, until=until, max_epochs=last, metrics=("val_loss",),
        seed=7, folder=folder,
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    return Trial(job, link)


def points(rows: int = 96, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two classes: whether the sum of four numbers is positive."""
    x = torch.randn(rows, 4, generator=torch.Generator().manual_seed(seed))
    return x, (x.sum(dim=1) > 0).long()


DATA = Data(train=points(), val=points(64, 1))


def model() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))


class Two(nn.Module):
    """Takes its numbers in two halves."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return self.layer(torch.cat([left, right], dim=1))  # type: ignore[no-any-return]


def trained(folder: Path, config: dict[str, Any], *, pauses: bool, data: Data = DATA) -> Any:
    """Weights and losses of a training; with `pauses`, anew from a checkpoint after each epoch."""
    link, epoch, last = Link(), 0, 4
    while epoch < last:
        made = model()
        torch.manual_seed(7 if not epoch else 99)  # after a pause, generators stand anywhere
        trial = a_trial(folder, link, epoch=epoch, until=epoch + 1 if pauses else 99, last=last)
        with contextlib.suppress(Halted):
            fit(made, data, config, trial)
        epoch = trial.epoch
    return made.state_dict(), [step.metrics["val_loss"] for step in link.steps]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_a_training_that_is_paused_each_epoch_ends_with_the_same_weights_bit_for_bit(
    tmp_path: Path, name: str, schedule: str
) -> None:
    config = {
        "lr": 0.05, "optimizer": name, "schedule": schedule, "warmup": 0.5, "clip": 0.5,
        "l1": 1e-4, "l2": 1e-3, "label_smoothing": 0.1, "batch_size": 20, "accumulate": 2,
    }  # fmt: skip
    through, losses = trained(tmp_path / "one", config, pauses=False)
    paused, again = trained(tmp_path / "two", config, pauses=True)
    assert len(losses) == 4
    assert again == losses
    assert all(torch.equal(through[key], paused[key]) for key in through)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_optimizer_goes_on_where_it_was(tmp_path: Path, name: str) -> None:
    config = {"optimizer": name, "lr": 0.01, "l2": 1e-3}
    through, losses = trained(tmp_path / "one", config, pauses=False)
    paused, again = trained(tmp_path / "two", config, pauses=True)
    assert again == losses
    assert all(torch.equal(through[key], paused[key]) for key in through)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_low_precision_goes_on_where_it_was(tmp_path: Path, precision: str) -> None:
    config = {"precision": precision, "optimizer": "sgd", "lr": 0.1}
    through, losses = trained(tmp_path / "one", config, pauses=False)
    paused, again = trained(tmp_path / "two", config, pauses=True)
    assert all(map(math.isfinite, losses))
    assert again == losses
    assert all(torch.equal(through[key], paused[key]) for key in through)


def test_convolutions_on_a_gpu_are_to_add_up_alike_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    trained(tmp_path / "a", {}, pauses=False)
    assert torch.backends.cudnn.deterministic


def test_a_dataset_is_learned_as_tensors_are(tmp_path: Path) -> None:
    stored = Data(train=TensorDataset(*DATA.train), val=TensorDataset(*DATA.val))
    _, losses = trained(tmp_path / "one", {"lr": 0.05}, pauses=False)
    _, same = trained(tmp_path / "two", {"lr": 0.05}, pauses=False, data=stored)
    assert same == losses


def test_a_loader_of_ones_own_is_taken_as_it_is(tmp_path: Path) -> None:
    own = Data(train=DataLoader(TensorDataset(*DATA.train), batch_size=48), val=DATA.val)
    link = Link()
    fit(model(), own, {"lr": 0.05}, a_trial(tmp_path / "one", link))
    assert len(link.steps) == 4


@pytest.mark.parametrize(("size", "accumulate"), [(8, 1), (32, 4), (48, 1)])
def test_a_schedule_follows_the_steps_of_ones_own_loader(
    tmp_path: Path, size: int, accumulate: int
) -> None:
    own = Data(train=DataLoader(TensorDataset(*DATA.train), batch_size=size), val=DATA.val)
    link = Link()
    config = {"lr": 1.0, "schedule": "cosine", "optimizer": "sgd", "accumulate": accumulate}
    fit(model(), own, config, a_trial(tmp_path / "a", link))
    rates = [step.metrics["lr"] for step in link.steps]
    assert rates == pytest.approx([(1 + math.cos(math.pi * n / 4)) / 2 for n in (1, 2, 3, 4)])


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_loader_that_hands_out_nothing_is_said(tmp_path: Path, part: str) -> None:
    nothing = DataLoader(TensorDataset(*points(8)), batch_size=9, drop_last=True)
    data = (
        Data(train=nothing, val=DATA.val)
        if part == "train"
        else Data(train=DATA.train, val=nothing)
    )
    with pytest.raises(ValueError, match="the loader handed out no batch"):
        fit(model(), data, {}, a_trial(tmp_path / "a", Link()))


def test_a_dataset_may_have_several_inputs(tmp_path: Path) -> None:
    class Rows(Dataset[Any]):
        def __len__(self) -> int:
            return 64

        def __getitem__(self, row: int) -> Any:
            return (DATA.val[0][row, :2], DATA.val[0][row, 2:]), DATA.val[1][row]

    link = Link()
    fit(Two(), Data(train=Rows(), val=Rows()), {}, a_trial(tmp_path / "a", link))
    assert len(link.steps) == 4


def test_classes_may_be_small_integers(tmp_path: Path) -> None:
    (x, y), link = points(), Link()
    data = Data(train=(x, y.int()), val=(x, y.short()))
    fit(model(), data, {}, a_trial(tmp_path / "a", link))
    assert len(link.steps) == 4


def test_it_learns(tmp_path: Path) -> None:
    link = Link()
    fit(model(), DATA, {"lr": 0.02, "batch_size": 8}, a_trial(tmp_path / "a", link, last=20))
    first, last = link.steps[0].metrics, link.steps[-1].metrics
    assert last["val_loss"] < 0.5 * first["val_loss"]
    assert last["val_accuracy"] > 0.9
    assert {"train_loss", "train_accuracy", "lr", "grad_norm", "step_ms", "rows_per_second",
            "memory_mb"} <= set(last)  # fmt: skip


def test_numbers_are_learned_by_squared_error(tmp_path: Path) -> None:
    x = torch.linspace(-1, 1, 64).unsqueeze(1)
    data = Data(train=(x, 2 * x.squeeze(1)), val=(x, 2 * x.squeeze(1)))
    link = Link()
    config = {"lr": 0.1, "batch_size": 16}
    fit(nn.Linear(1, 1), data, config, a_trial(tmp_path / "a", link, last=20))
    assert link.steps[-1].metrics["val_loss"] < 0.01
    assert "val_accuracy" not in link.steps[-1].metrics


def test_metrics_of_ones_own_see_all_scores_at_once(tmp_path: Path) -> None:
    def share(scores: Tensor, y: Tensor) -> Tensor:
        assert scores.shape == (64, 2)
        return y.float().mean()

    link = Link()
    fit(model(), DATA, {}, a_trial(tmp_path / "a", link, last=1), metrics={"share": share})
    assert link.steps[0].metrics["val_share"] == pytest.approx(DATA.val[1].float().mean())


def test_inputs_may_be_several_tensors(tmp_path: Path) -> None:
    (x, y), link = points(), Link()
    for inputs in ((x[:, :2], x[:, 2:]), {"left": x[:, :2], "right": x[:, 2:]}):
        fit(Two(), Data(train=(inputs, y), val=(inputs, y)), {}, a_trial(tmp_path / "a", link))
    assert link.steps[0].metrics["val_loss"] > 0


def test_accumulated_batches_make_the_step_of_one_large_batch(tmp_path: Path) -> None:
    config = {"optimizer": "sgd", "lr": 0.1}
    plain = {**config, "batch_size": 32}
    several = {**config, "batch_size": 8, "accumulate": 4}
    states = []
    for name, knobs in (("one", plain), ("two", several)):
        made = nn.Linear(4, 2)
        nn.init.zeros_(made.weight), nn.init.zeros_(made.bias)
        fit(made, DATA, knobs, a_trial(tmp_path / name, Link()))
        states.append(made.weight.detach())
    assert torch.allclose(states[0], states[1], atol=1e-6)


def test_a_trial_ends_when_its_own_loss_gets_no_better(tmp_path: Path) -> None:
    link = Link()
    config = {"lr": 0.0, "patience": 2, "optimizer": "sgd"}
    fit(model(), DATA, config, a_trial(tmp_path / "a", link, last=20))
    assert [step.epoch for step in link.steps] == [1, 2, 3]


def test_epochs_of_the_configuration_end_it_sooner(tmp_path: Path) -> None:
    link = Link()
    fit(model(), DATA, {"epochs": 2}, a_trial(tmp_path / "a", link))
    assert len(link.steps) == 2


class Reads(TorchDispatchMode):
    """Counts how often a number is read from a tensor, for which a device must have finished."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("config", [{}, {"clip": 1.0, "l1": 1e-4, "schedule": "one-cycle"}])
def test_no_step_waits_for_the_device(tmp_path: Path, config: dict[str, Any]) -> None:
    """As many reads in an epoch of 96 steps as in one of 3."""
    counts = []
    for size in (1, 32):
        reads = Reads()  # type: ignore[no-untyped-call]
        with reads:
            trial = a_trial(tmp_path / f"{size}", Link(), last=1)
            fit(model(), DATA, {"batch_size": size, "optimizer": "sgd", **config}, trial)
        counts.append(reads.count)
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, not 0"),
        ({"batch_size": 8.5}, "batch_size must be a whole number of at least 1, not 8.5"),
        ({"lr": -1}, "lr must be a number of at least 0, not -1"),
        ({"lr": float("nan")}, "lr must be a number of at least 0, not nan"),
        ({"lr": "fast"}, "lr must be a number of at least 0, not 'fast'"),
        ({"precision": "fp8"}, "precision 'fp8' is not one of 32, bf16, fp16"),
        ({"label_smoothing": 1.0}, "label_smoothing must be from 0 to below 1, not 1.0"),
        ({"optimizer": "adamv"}, 'Did you mean "adam"?'),
        ({"schedule": "cosin"}, 'Did you mean "cosine"?'),
    ],
)
def test_a_knob_that_cannot_be_is_one_sentence(
    tmp_path: Path, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(KnobError) as error:
        fit(model(), DATA, config, a_trial(tmp_path / "a", Link()))
    assert message in str(error.value)


def test_what_else_is_in_a_configuration_is_the_models() -> None:
    assert Knobs.of({"lr": 0.1, "layers": 3, "epochs": None}) == Knobs(lr=0.1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Data(train=(torch.ones(3, 4), torch.ones(2)), val=DATA.val), "differ in length: [2, 3]"),
        (Data(train=DATA.train, val=(torch.ones(0, 4), torch.ones(0))), "data.val holds no rows"),
        (Data(train="my.csv", val=DATA.val), "a pair (x, y) of tensors, a Dataset or a DataLoade"),
        (
            Data(train=(torch.ones(3, 4), torch.ones(3)), val=DATA.val),
            "the model's scores (3, 2) and the targets (3,) differ in shape",
        ),
    ],
)
def test_data_that_cannot_be_is_one_sentence(tmp_path: Path, data: Data, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        fit(model(), data, {}, a_trial(tmp_path / "a", Link()))
    assert message in str(error.value)


def test_a_test_part_is_judged_and_changes_nothing(tmp_path: Path) -> None:
    plain, tested = Link(), Link()
    fit(model(), DATA, {"lr": 0.01}, a_trial(tmp_path / "a", plain))
    data = Data(train=DATA.train, val=DATA.val, test=points(32, 2))
    fit(model(), data, {"lr": 0.01}, a_trial(tmp_path / "b", tested))
    assert {"test_loss", "test_accuracy"} <= set(tested.steps[-1].metrics)
    assert [s.metrics["val_loss"] for s in plain.steps] == [
        s.metrics["val_loss"] for s in tested.steps
    ]
