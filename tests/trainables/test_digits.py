from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nightsweep.trainables import digits
from nightsweep.trainables.host import seed_everything
from nightsweep.trainables.job import Answer, Job, Message, Step
from nightsweep.trainables.trial import Trial

SMALL = {"units": 8, "layers": 1, "batch_size": 256}
RESTLESS = {
    **SMALL,
    "lr": 0.05,
    "optimizer": "sgd",
    "momentum": 0.9,
    "dropout": 0.3,
    "schedule": "cosine",
    "l1": 1e-5,
    "l2": 1e-4,
}


class Recorder:
    """Notes reports down, and halts the trial wherever a decision is due."""

    halting = False

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def send(self, message: Message) -> None:
        assert isinstance(message, Step)
        self.steps.append(message)

    def ask(self, step: Step) -> Answer:
        self.steps.append(step)
        return Answer(trial=step.trial, until=None)


def trained(
    config: dict[str, Any], folder: Path, *, max_epochs: int = 2, rungs: tuple[int, ...] = ()
) -> list[Step]:
    """The reports of a trial that is halted at each rung and goes on from its checkpoint."""
    recorder = Recorder()
    for done, until in zip((0, *rungs), (*rungs, max_epochs), strict=True):
        job = Job(
            trial=1,
            config=config,
            epoch=done,
            until=until,
            max_epochs=max_epochs,
            metrics=("val_loss",),
            seed=11,
            folder=folder,
        )
        seed_everything(job.seed)
        digits.train(config, Trial(job, recorder))
    return recorder.steps


def metrics(steps: list[Step]) -> list[tuple[int, dict[str, float]]]:
    return [(step.epoch, step.metrics) for step in steps]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> list[Step]:
    """A restless configuration, trained for ten epochs without a pause."""
    return trained(RESTLESS, tmp_path_factory.mktemp("straight"), max_epochs=10)


def test_all_metrics_are_reported_each_epoch(straight: list[Step]) -> None:
    assert [step.epoch for step in straight] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    names = ["train_loss", "train_accuracy", "val_loss", "val_accuracy"]
    assert all(list(step.metrics) == names for step in straight)
    assert all(type(value) is float for step in straight for value in step.metrics.values())


@pytest.mark.parametrize("rungs", [(1,), (3,), (1, 3, 9)])
def test_pausing_and_going_on_changes_no_digit(
    tmp_path: Path, straight: list[Step], rungs: tuple[int, ...]
) -> None:
    paused = trained(RESTLESS, tmp_path, max_epochs=10, rungs=rungs)
    assert metrics(paused) == metrics(straight)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop"])
def test_going_on_changes_no_digit_with_any_optimiser(tmp_path: Path, optimizer: str) -> None:
    config = {**SMALL, "optimizer": optimizer, "dropout": 0.3, "schedule": "step", "lr": 0.01}
    whole = trained(config, tmp_path / "whole", max_epochs=4)
    paused = trained(config, tmp_path / "paused", max_epochs=4, rungs=(2,))
    assert metrics(paused) == metrics(whole)


def test_the_same_seed_gives_the_same_metrics(tmp_path: Path, straight: list[Step]) -> None:
    assert metrics(trained(RESTLESS, tmp_path, max_epochs=10)) == metrics(straight)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "rmsprop"])
def test_every_optimiser_learns(tmp_path: Path, optimizer: str) -> None:
    steps = trained({**SMALL, "optimizer": optimizer, "lr": 0.01}, tmp_path)
    assert steps[1].metrics["val_loss"] < steps[0].metrics["val_loss"]


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_every_activation_learns(tmp_path: Path, activation: str) -> None:
    steps = trained({**SMALL, "activation": activation, "lr": 0.01}, tmp_path)
    assert steps[1].metrics["val_loss"] < steps[0].metrics["val_loss"]


def rates(schedule: str, epochs: int) -> Iterator[float]:
    """The learning rate of each epoch, from 1.0."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 1.0)
    course = digits.make_schedule(optimizer, schedule, epochs)
    for _ in range(epochs):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        course.step()


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1.0] * 6),
        ("step", [1.0, 1.0, 0.1, 0.1, 0.01, 0.01]),
        ("exponential", [0.01 ** (n / 6) for n in range(6)]),
        ("cosine", [1.0, 0.933013, 0.75, 0.5, 0.25, 0.066987]),
    ],
)
def test_every_schedule_takes_its_course(schedule: str, expected: list[float]) -> None:
    assert list(rates(schedule, 6)) == pytest.approx(expected, abs=1e-6)


def test_a_schedule_of_one_epoch_is_no_trouble() -> None:
    for schedule in ("constant", "step", "exponential", "cosine"):
        assert list(rates(schedule, 1)) == [1.0]


def test_the_defaults_recognise_most_digits_after_eight_epochs(tmp_path: Path) -> None:
    last = trained({}, tmp_path, max_epochs=8)[-1].metrics
    assert last["val_accuracy"] > 0.93
    assert last["val_loss"] < 0.3


def test_epochs_may_be_fewer_than_the_sweep_s_but_not_more(tmp_path: Path) -> None:
    assert len(trained({**SMALL, "epochs": 2}, tmp_path / "fewer", max_epochs=3)) == 2
    assert len(trained({**SMALL, "epochs": 9}, tmp_path / "more", max_epochs=3)) == 3


def test_an_unknown_knob_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no") as caught:
        trained({"learning_rate": 0.1, "width": 3}, tmp_path)
    assert str(caught.value) == (
        "the digits model has no learning_rate, width; it has lr, batch_size, epochs, optimizer, "
        "momentum, l1, l2, dropout, layers, units, activation, schedule"
    )


@pytest.mark.parametrize(
    ("knob", "message"),
    [
        ("optimizer", "optimizer 'lion' is not sgd, adam, adamw or rmsprop"),
        ("schedule", "schedule 'lion' is not constant, step, exponential or cosine"),
    ],
)
def test_an_unknown_word_is_refused_with_those_there_are(
    tmp_path: Path, knob: str, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        trained({knob: "lion"}, tmp_path)


def test_an_unknown_activation_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^activation 'lion' is not relu, tanh or gelu$"):
        trained({"activation": "lion"}, tmp_path)


def test_layers_units_and_dropout_shape_the_network() -> None:
    knobs = {**digits.DEFAULTS, "layers": 2, "units": 16, "dropout": 0.1, "activation": "gelu"}
    shape = [type(layer).__name__ for layer in digits.perceptron(knobs)]
    assert shape == ["Linear", "GELU", "Dropout", "Linear", "GELU", "Dropout", "Linear"]
    assert digits.perceptron(knobs)(torch.zeros(5, 64)).shape == (5, 10)


def test_no_image_is_in_two_parts_of_the_data() -> None:
    data = digits.load()
    parts = [data.train_x, data.val_x, data.test_x]
    assert [len(part) for part in parts] == [1077, 360, 360]
    whole = torch.cat(parts)
    assert len(torch.unique(whole, dim=0)) == len(whole)


def test_every_digit_is_as_common_in_each_part() -> None:
    data = digits.load()
    for classes in (data.train_y, data.val_y, data.test_y):
        shares = torch.bincount(classes, minlength=10) / len(classes)
        assert shares.min() > 0.09
        assert shares.max() < 0.11


def test_pixels_are_between_zero_and_one() -> None:
    data = digits.load()
    assert (data.train_x.min().item(), data.train_x.max().item()) == (0.0, 1.0)


def test_the_gradient_of_l1_is_that_of_the_sum_of_absolute_weights() -> None:
    weights = torch.nn.Parameter(torch.tensor([2.0, -3.0, 0.0]))
    weights.grad = torch.tensor([1.0, 1.0, 1.0])
    digits.add_l1([weights], 0.5)
    assert weights.grad.tolist() == [1.5, 0.5, 1.0]


def test_l1_shrinks_the_weights() -> None:
    def size(l1: float) -> float:
        seed_everything(1)
        knobs = {**digits.DEFAULTS, **SMALL, "lr": 0.01, "l1": l1}
        model = digits.perceptron(knobs)
        optimizer = digits.make_optimizer(model, knobs)
        for _ in range(3):
            digits.train_one_epoch(model, optimizer, digits.load(), knobs)
        return sum(p.detach().abs().sum().item() for p in model.parameters())

    assert size(1e-2) < 0.8 * size(0.0)
