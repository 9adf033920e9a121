"""The image trainable, on pictures of a few pixels."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nightsweep.search import ready
from nightsweep.search.errors import DataError
from nightsweep.search.parameter import Choice
from nightsweep.trainables import image, transfer
from nightsweep.trainables.host import seed_everything
from nightsweep.trainables.image import Image, quickest
from nightsweep.trainables.job import Job
from nightsweep.trainables.pictures.pictures import Pictures
from nightsweep.trainables.pictures.read import read
from nightsweep.trainables.trial import Halted, Trial

from .links import Link

SMALL = {"width": 4, "batch_size": 16, "lr": 0.02, "precision": "32"}


def stripes(path: Path, count: int = 60, *, numbers: bool = False) -> str:
    """Noise with a bright left or right half; or as bright as the number that is its label."""
    generator = np.random.default_rng(0)
    if numbers:
        brightness = generator.uniform(0, 100, count)
        x = brightness[:, None, None] + generator.normal(0, 5, (count, 6, 6))
        np.savez(path, x=x, y=brightness * 1000)
        return str(path)
    noise = generator.integers(0, 80, (count, 6, 6), dtype=np.uint8)
    y = np.arange(count) % 2
    noise[y == 0, :, :3] += 120
    noise[y == 1, :, 3:] += 120
    np.savez(path, x=noise, y=y)
    return str(path)


def saved(path: Path, arrays: dict[str, Any]) -> None:
    np.savez(path, **arrays)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in a slot; several wait for each other where others use the processor."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def data(tmp_path: Path) -> str:
    return stripes(tmp_path / "stripes.npz")


def trained(
    made: Image, folder: Path, config: dict[str, Any], *, last: int = 3, pauses: bool = False
) -> tuple[list[dict[str, float]], Link]:
    """What was reported; with `pauses`, by a trial that goes on from a checkpoint each epoch."""
    link, epoch = Link(), 0
    folder.mkdir()
    while epoch < last:
        seed_everything(7 if not epoch else 99)  # after a pause, generators stand anywhere
        job = Job(
            trial=1, config=config, epoch=epoch, until=epoch + 1 if pauses else 99,
            max_epochs=last, metrics=("val_loss",), seed=7, folder=folder,
        )  # fmt: skip
        trial = Trial(job, link)
        with contextlib.suppress(Halted):
            made(config, trial)
        epoch = trial.epoch
    return [dict(step.metrics) for step in link.steps], link


def test_it_learns_and_reports_a_test_part(tmp_path: Path, data: str) -> None:
    reported, _ = trained(Image(ready.Image(), [data]), tmp_path / "a", SMALL, last=6)
    assert reported[-1]["val_accuracy"] == reported[-1]["test_accuracy"] == 1.0
    assert reported[-1]["val_loss"] < reported[0]["val_loss"]


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_a_trial_that_is_paused_each_epoch_learns_the_same_bit_for_bit(
    tmp_path: Path, data: str, precision: str
) -> None:
    config = SMALL | {
        "precision": precision, "shift": 0.2, "flip": True, "dropout": 0.3, "l2": 1e-3,
        "optimizer": "sgd", "nesterov": True, "schedule": "one-cycle",
    }  # fmt: skip
    made = Image(ready.Image(), [data])
    names = ("train_loss", "val_loss", "test_loss", "grad_norm")
    through, _ = trained(made, tmp_path / "one", config)
    paused, link = trained(Image(ready.Image(), [data]), tmp_path / "two", config, pauses=True)
    assert [step.checkpoint for step in link.steps] == [True, True, True]
    assert [[epoch[name] for name in names] for epoch in paused] == [
        [epoch[name] for name in names] for epoch in through
    ]


def test_numbers_are_learned_and_judged_in_their_own_units(tmp_path: Path) -> None:
    made = Image(ready.Image(), [stripes(tmp_path / "n.npz", 120, numbers=True)])
    reported, _ = trained(made, tmp_path / "a", SMALL, last=8)
    assert reported[-1]["val_rmse"] < 15_000  # of 0 to 100 000
    assert reported[-1]["val_r2"] > 0.5
    assert "val_accuracy" not in reported[-1]


def test_with_folds_an_epoch_is_a_fold(tmp_path: Path, data: str) -> None:
    made = Image(ready.Image(cv=3), [data])
    reported, _ = trained(made, tmp_path / "a", SMALL | {"epochs": 2})
    assert len(reported) == 3
    assert {"val_loss_std", "fold_loss", "fold_accuracy", "test_accuracy"} <= set(reported[-1])


def test_scales_are_learned_from_what_is_trained_on_alone(tmp_path: Path) -> None:
    moments = []
    for bright in (0, 200):
        x = np.random.default_rng(1).integers(0, 50, (40, 4, 4), dtype=np.uint8)
        arrays: dict[str, Any] = {"x_train": x, "y_train": np.arange(40) % 2}
        for part in ("val", "test"):
            arrays |= {f"x_{part}": x[:6] + np.uint8(bright), f"y_{part}": np.arange(6) % 2}
        saved(tmp_path / f"{bright}.npz", arrays)
        made = Image(ready.Image(), [str(tmp_path / f"{bright}.npz")])
        moments.append(made._part(0).moments.mean.item())
    assert moments[0] == moments[1]


def test_pictures_are_read_once_for_all_trials(
    tmp_path: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def reading(sources: list[str], size: int | None) -> Pictures:
        calls.append(sources)
        return read(sources, size)

    monkeypatch.setattr(image, "read", reading)
    made = Image(ready.Image(), [data])
    for name in ("a", "b"):
        trained(made, tmp_path / name, SMALL, last=1)
    assert len(calls) == 1


def test_a_check_says_what_is_wrong_before_anything_starts(tmp_path: Path, data: str) -> None:
    Image(ready.Image(), [data]).check()
    with pytest.raises(DataError, match=r"nowhere\.npz is not there"):
        Image(ready.Image(), [str(tmp_path / "nowhere.npz")]).check()
    with pytest.raises(DataError, match="cv: 40 folds are more than"):
        Image(ready.Image(cv=40), [data]).check()


def test_precision_is_the_machines_quickest_unless_it_is_asked_for(
    tmp_path: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(image, "quickest", lambda device: "bf16")
    monkeypatch.setattr(
        image, "fit", lambda model, data, config, *rest, **more: seen.append(config)
    )
    made = Image(ready.Image(), [data])
    for config in ({}, {"precision": "32"}):
        job = Job(trial=1, config=config, epoch=0, until=9, max_epochs=1, metrics=("val_loss",),
                  seed=0, folder=tmp_path)  # fmt: skip
        made(config, Trial(job, Link()))
    assert [config["precision"] for config in seen] == ["bf16", "32"]
    assert quickest("cpu") in ("32", "bf16")


class Theirs(nn.Module):
    """As a network of torchvision's: of colours, with a last layer for so many classes."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 2, 3)
        self.fc = nn.Linear(2, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.fc(self.body(x).mean(dim=(2, 3)))
        return scores


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A torchvision whose one network's weights belong into the folder returned."""
    weights = SimpleNamespace(DEFAULT=SimpleNamespace(url="https://models/theirs-1.pth"))
    fake = SimpleNamespace(
        list_models=lambda module: ["theirs", "resnet18"],
        get_model=lambda name, weights, num_classes: Theirs(num_classes),
        get_model_weights=lambda name: weights,
    )
    monkeypatch.setattr(transfer, "module", lambda name: fake)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"


def test_weights_that_are_not_there_are_asked_for_and_never_downloaded(
    models: Path, data: str
) -> None:
    settings = ready.Image(model="torchvision:theirs")
    with pytest.raises(DataError, match="fetch them once, on each machine") as error:
        Image(settings, [data]).check()
    assert "pretrained: false" in str(error.value)
    Image(settings.model_copy(update={"pretrained": False}), [data]).check()


def test_all_weights_but_the_last_layers_come_from_the_file(models: Path) -> None:
    learned = Theirs(1000)
    torch.save(learned.state_dict(), models / "theirs-1.pth")
    made = transfer.network("theirs", 2, pretrained=True).state_dict()
    assert torch.equal(made["body.weight"], learned.state_dict()["body.weight"])
    assert made["fc.weight"].shape == (2, 2)


def test_a_network_of_torchvisions_trains_on_grey_pictures(
    tmp_path: Path, data: str, models: Path
) -> None:
    made = Image(ready.Image(pretrained=False), [data])
    config = {"model": "torchvision:theirs", "precision": "32"}
    reported, _ = trained(made, tmp_path / "a", config, last=1)
    assert "val_accuracy" in reported[0]


def test_pictures_that_are_too_small_for_a_network_are_seen_before_the_night(
    tmp_path: Path, models: Path
) -> None:
    np.savez(tmp_path / "tiny.npz", x=np.zeros((20, 2, 2)), y=np.arange(20) % 2)
    settings = ready.Image(model="torchvision:theirs", pretrained=False)
    with pytest.raises(DataError, match="cannot see pictures of 2 × 2 pixels"):
        Image(settings, [str(tmp_path / "tiny.npz")]).check()
    Image(settings.model_copy(update={"size": 8}), [str(tmp_path / "tiny.npz")]).check()


def test_a_network_that_torchvision_has_not(models: Path) -> None:
    with pytest.raises(DataError, match=r'Did you mean "resnet18"\?'):
        transfer.network("resnet81", 2, pretrained=False)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ModuleNotFoundError("no", name="torchvision"), "pip install torchvision"),
        (RuntimeError("operator nms does not exist\n..."), "does not go with torch"),
    ],
)
def test_a_torchvision_that_is_not_there_or_broken(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    def broken(name: str) -> Any:
        raise error

    monkeypatch.setattr(transfer, "import_module", broken)
    with pytest.raises(DataError, match=message):
        transfer.network("resnet18", 2, pretrained=False)


def test_a_last_batch_of_one_picture_of_few_pixels_is_learned_from(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (21, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x_train=x[:17], y_train=np.arange(17) % 2,
             x_val=x[17:], y_val=np.arange(4) % 2)  # fmt: skip
    made = Image(ready.Image(), [str(tmp_path / "a.npz")])
    reported, _ = trained(made, tmp_path / "a", SMALL, last=2)  # batches of 16 and 1
    assert all(np.isfinite(epoch["val_loss"]) for epoch in reported)


def test_each_network_that_a_sweep_names_is_looked_at_before_the_night(
    models: Path, data: str
) -> None:
    made = Image(ready.Image(), [data])
    made.allow({"lr": 0.1, "model": Choice(values=["resnet", "torchvision:theirs"])})
    with pytest.raises(DataError, match="fetch them once, on each machine"):
        made.check()
    made.allow({"model": "torchvision:resnet81"})
    with pytest.raises(DataError, match=r'Did you mean "resnet18"\?'):
        made.check()


def test_weights_of_which_a_part_is_missing_are_to_be_fetched_again(models: Path) -> None:
    (models / "theirs-1.pth").write_bytes(b"half a file")
    with pytest.raises(DataError, match=r"theirs-1\.pth holds no weights .* fetch it again"):
        transfer.network("theirs", 2, pretrained=True)
