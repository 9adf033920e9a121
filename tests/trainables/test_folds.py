"""Cross-validation of a training: what counts, what is kept, and what goes on."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nightsweep.trainables.batches import Data
from nightsweep.trainables.folds import Scores, cross_validated, seed_of
from nightsweep.trainables.job import Answer, Divides, Job, Message, Step
from nightsweep.trainables.knobs import KnobError
from nightsweep.trainables.loop import fit
from nightsweep.trainables.metrics import ReportError
from nightsweep.trainables.trial import Halted, Trial


class Link:
    """Keeps what is sent; every decision is to pause."""

    halting = False

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.news: list[Message] = []

    def send(self, message: Message) -> None:
        (self.steps if isinstance(message, Step) else self.news).append(message)  # type: ignore[arg-type]

    def ask(self, step: Step) -> Answer:
        self.steps.append(step)
        return Answer(trial=step.trial, until=None)


def a_trial(
    folder: Path, link: Link, config: dict[str, Any] | None = None, *, epoch: int = 0,
    until: int = 99, folds: int = 3, metric: str = "val_loss", seed: int = 7,
) -> Trial:  # fmt: skip
    job = Job(
        trial=1, config=config or {}, epoch=epoch, until=until, max_epochs=folds,
        metrics=(metric,), seed=seed, folder=folder, split=2,
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    return Trial(job, link)


def points(rows: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(rows, 4, generator=torch.Generator().manual_seed(seed))
    return x, (x.sum(dim=1) > 0).long()


def learn(fold: int, inner: Trial) -> None:
    """A perceptron on data that differs from fold to fold."""
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    fit(model, Data(train=points(64, fold), val=points(32, 10 + fold)), inner.config, inner)


def reports(*losses: list[float]) -> Callable[[int, Trial], None]:
    """A training whose losses, fold by fold and epoch by epoch, are these."""

    def train(fold: int, inner: Trial) -> None:
        for epoch in inner.epochs():
            inner.report(
                val_loss=losses[fold][epoch - 1], train_loss=0.5 * losses[fold][epoch - 1]
            )

    return train


def validated(folder: Path, config: dict[str, Any], *, pauses: bool) -> list[dict[str, float]]:
    """What a trial reports; with `pauses`, when it begins again after each fold."""
    link, epoch = Link(), 0
    while epoch < 3:
        torch.manual_seed(99 * epoch)  # after a pause, generators stand anywhere
        trial = a_trial(folder, link, config, epoch=epoch, until=epoch + 1 if pauses else 99)
        with contextlib.suppress(Halted):
            cross_validated(learn, trial, folds=3, epochs=2)
        epoch = trial.epoch
    dropped = {"step_ms", "rows_per_second", "memory_mb"}
    return [{k: v for k, v in step.metrics.items() if k not in dropped} for step in link.steps]


def test_means_and_spread_over_the_folds_so_far_are_reported_beside_the_folds_own(
    tmp_path: Path,
) -> None:
    link = Link()
    train = reports([9.0, 1.0], [9.0, 3.0], [9.0, 5.0])
    cross_validated(train, a_trial(tmp_path, link), folds=3, epochs=2)
    assert [step.epoch for step in link.steps] == [1, 2, 3]
    assert [step.metrics["val_loss"] for step in link.steps] == [1.0, 2.0, 3.0]
    assert [step.metrics["fold_loss"] for step in link.steps] == [1.0, 3.0, 5.0]
    assert [step.metrics["val_loss_std"] for step in link.steps] == [0.0, 1.0, np.std([1, 3, 5])]
    assert [step.metrics["train_loss"] for step in link.steps] == [0.5, 1.0, 1.5]


def test_of_a_fold_its_last_epoch_counts_even_where_one_before_was_better(tmp_path: Path) -> None:
    link = Link()
    cross_validated(reports([0.1, 0.7]), a_trial(tmp_path, link, folds=1), folds=1, epochs=2)
    assert link.steps[0].metrics["val_loss"] == 0.7


def test_a_trial_that_is_paused_after_each_fold_reports_the_same_bit_for_bit(
    tmp_path: Path,
) -> None:
    config = {"lr": 0.05, "batch_size": 10}
    through = validated(tmp_path / "one", config, pauses=False)
    assert len(through) == 3
    assert validated(tmp_path / "two", config, pauses=True) == through


def test_a_fold_leaves_no_checkpoint_of_its_own(tmp_path: Path) -> None:
    link = Link()
    cross_validated(learn, a_trial(tmp_path, link, until=1), folds=3, epochs=4)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["epoch-1", "worker"]


def test_each_fold_and_each_trial_has_a_seed_of_its_own(tmp_path: Path) -> None:
    one, other = (a_trial(tmp_path, Link(), seed=seed) for seed in (7, 8))
    assert len({seed_of(trial, fold) for trial in (one, other) for fold in (1, 2, 3)}) == 6


def test_the_training_in_a_fold_takes_as_many_epochs_as_the_configuration_says(
    tmp_path: Path,
) -> None:
    seen: list[int] = []

    def train(fold: int, inner: Trial) -> None:
        for epoch in inner.epochs():
            seen.append(epoch)
            inner.report(val_loss=1.0)

    trial = a_trial(tmp_path, Link(), {"epochs": 4}, folds=1)
    cross_validated(train, trial, folds=1, epochs=2)
    assert seen == [1, 2, 3, 4]
    with pytest.raises(KnobError, match="epochs must be a whole number"):
        cross_validated(train, a_trial(tmp_path, Link(), {"epochs": 0}), folds=1, epochs=2)


def test_names_that_are_knobs_of_fit_too_may_mean_something_else_in_a_function_of_ones_own(
    tmp_path: Path,
) -> None:
    config = {"batch_size": "all", "precision": "double", "lr": None, "patience": 1.5}
    link = Link()
    train = reports([1.0], [2.0], [3.0])
    cross_validated(train, a_trial(tmp_path, link, config), folds=3, epochs=1)
    assert len(link.steps) == 3


def test_a_fold_whose_loss_is_no_number_ends_and_makes_the_mean_no_number(tmp_path: Path) -> None:
    link = Link()
    epochs: list[tuple[int, int]] = []

    def train(fold: int, inner: Trial) -> None:
        for epoch in inner.epochs():
            epochs.append((fold, epoch))
            inner.report(val_loss=math.nan if (fold, epoch) == (1, 1) else 1.0)

    cross_validated(train, a_trial(tmp_path, link), folds=3, epochs=2)
    assert epochs == [(0, 1), (0, 2), (1, 1)]
    assert link.steps[0].metrics["val_loss"] == 1.0
    assert math.isnan(link.steps[1].metrics["val_loss"])
    assert math.isnan(link.steps[1].metrics["val_loss_std"])


def test_a_loss_that_is_infinite_in_both_directions_has_no_mean(tmp_path: Path) -> None:
    scores = Scores()
    scores.add({"val_loss": math.inf})
    scores.add({"val_loss": -math.inf})
    assert math.isnan(scores.summary()["val_loss"])


def test_a_fold_that_ends_early_counts_with_its_last_epoch(tmp_path: Path) -> None:
    link = Link()

    def train(fold: int, inner: Trial) -> None:
        for epoch in inner.epochs():
            inner.report(val_loss=float(epoch))
            if epoch == 2:
                return

    cross_validated(train, a_trial(tmp_path, link, folds=1), folds=1, epochs=5)
    assert link.steps[0].metrics["val_loss"] == 2.0


def test_a_training_that_reports_once_more_than_it_has_epochs_ends_with_its_fold(
    tmp_path: Path,
) -> None:
    link = Link()

    def train(fold: int, inner: Trial) -> None:
        while True:
            inner.report(val_loss=2.0)

    cross_validated(train, a_trial(tmp_path, link), folds=3, epochs=2)
    assert len(link.steps) == 3


def test_a_fold_without_a_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="reported nothing in fold 1"):
        cross_validated(lambda fold, inner: None, a_trial(tmp_path, Link()), folds=3, epochs=2)


def test_batches_are_taken_in_parts_in_a_fold_as_in_the_trial_and_the_driver_hears_of_it(
    tmp_path: Path,
) -> None:
    link = Link()
    shares: list[float] = []

    def train(fold: int, inner: Trial) -> None:
        for _ in inner.epochs():
            shares.extend(share for share, _ in inner.parts(torch.zeros(4, 1)))
            inner.report(val_loss=1.0)

    cross_validated(train, a_trial(tmp_path, link, folds=1), folds=1, epochs=1)
    assert shares == [0.5, 0.5]
    assert any(isinstance(message, Divides) for message in link.news)


def test_a_sweep_may_look_at_the_spread(tmp_path: Path) -> None:
    link = Link()
    trial = a_trial(tmp_path, link, metric="val_loss_std")
    cross_validated(reports([1.0], [2.0], [3.0]), trial, folds=3, epochs=1)
    assert len(link.steps) == 3
