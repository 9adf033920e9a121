"""The PyTorch training loop: `fit(model, data, config, trial)` trains, judges and reports.

Losses and counts stay on the device within an epoch, and are read once at its end: a step waits
for nothing.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from ..search.errors import TrainingFunctionError
from .batches import Data, Rows, each, rows
from .early import EarlyStop
from .knobs import Knobs
from .optimizer import add_l1, optimizer
from .parts import parts
from .schedule import Schedule
from .trial import Trial

Loss = Callable[[Tensor, Tensor], Tensor]
JUDGED = 256  # rows at a time, at least, where nothing is learned


def fit(
    model: nn.Module,
    data: Data,
    config: Mapping[str, Any],
    trial: Trial,
    *,
    loss: Loss | None = None,
    metrics: Mapping[str, Callable[[Tensor, Tensor], Any]] | None = None,
) -> None:
    """Train a model, and report each epoch until the trial is to end.

    Args:
        data: To train on and to judge by; batches are (inputs, targets). Inputs: a tensor
            (B, ...), or a tuple or dict of them, with which the model is called.
        config: Of it, what `Knobs` names: lr, batch_size, epochs, optimizer, ...
        loss: Of scores and targets, a mean over rows. Without it: cross-entropy for targets of
            whole numbers, scores (B, classes); mean squared error for others.
        metrics: More to report, as val_<name>, each of all scores and targets of `data.val`.

    Reported: train_loss, val_loss; with classes train_accuracy, val_accuracy; both as test_ too,
    where there is `data.test`; lr, grad_norm (of all gradients at the epoch's last step, after
    clipping), step_ms, rows_per_second, memory_mb.
    Errors: KnobError for a value that a knob cannot have; ValueError, TypeError for the data;
    TrainingFunctionError in one of several processes.
    """
    if trial.processes > 1:
        raise TrainingFunctionError(
            f"fit trains in one process, and this trial has {trial.processes}; write "
            "resources: {processes: 1}, or a loop of your own (docs/coming-from/ddp.md)"
        )
    knobs = Knobs.of(config)
    read = partial(rows, workers=trial.cpus - 1, pinned=trial.device == "cuda")
    train, val = read(data.train), read(data.val)
    test = None if data.test is None else read(data.test)
    for name, part in (("train", train), ("val", val), ("test", test)):
        if part is not None and not len(part):
            raise ValueError(f"data.{name} holds no rows")
    device = torch.device(trial.device)
    # Others of cuDNN's convolutions add up in an order that differs from run to run.
    torch.backends.cudnn.deterministic = True
    model.to(device)
    epochs = min(knobs.epochs or trial.max_epochs, trial.max_epochs)
    trained = optimizer(model, knobs)
    steps = train.steps(knobs.batch_size * knobs.accumulate)
    schedule = Schedule(trained, knobs, steps, epochs)
    early = EarlyStop(knobs.patience, knobs.min_delta)
    scaler = torch.amp.GradScaler(device.type, enabled=knobs.precision == "fp16")
    trial.keep(model=model, optimizer=trained, schedule=schedule, early=early, scaler=scaler)
    step = Training(
        model=torch.compile(model) if knobs.compile else model,
        weights=[p for p in model.parameters() if p.requires_grad],
        optimizer=trained, schedule=schedule, scaler=scaler, knobs=knobs, device=device, loss=loss,
    )  # fmt: skip
    for epoch in trial.epochs(epochs):
        began = time.perf_counter()
        order = int(np.random.SeedSequence([trial.seed, epoch]).generate_state(1)[0])
        learned, steps = step.epoch(train, order, trial)
        seconds = time.perf_counter() - began
        size = max(JUDGED, knobs.batch_size)
        judged = step.judge(val, size, metrics or {})
        tested = {} if test is None else step.judge(test, size, metrics or {})
        schedule.judge(judged["loss"])
        early.judge(judged["loss"])
        trial.report(
            {f"train_{name}": value for name, value in learned.items()}
            | {f"val_{name}": value for name, value in judged.items()}
            | {f"test_{name}": value for name, value in tested.items()},
            lr=schedule.lr,
            grad_norm=step.norm(),
            step_ms=1000 * seconds / steps,
            rows_per_second=len(train) / seconds,
            memory_mb=_memory(device),
        )
        if early.over:
            return


@dataclass(kw_only=True)
class Training:
    """A model in training: what a step needs."""

    model: Any
    weights: list[nn.Parameter]
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    scaler: torch.amp.GradScaler
    knobs: Knobs
    device: torch.device
    loss: Loss | None

    def epoch(self, data: Rows, order: int, trial: Trial) -> tuple[dict[str, float], int]:
        """One pass over the training data; what came of it, and how many steps it took."""
        self.model.train()
        sums, steps = _Sums(self.device), 0
        for batch in data.batches(self.knobs.batch_size * self.knobs.accumulate, order):
            self.optimizer.zero_grad()
            several = self.knobs.accumulate > 1
            for part, x, y in parts(batch, self.knobs.accumulate) if several else [(1.0, *batch)]:
                for share, some_x, some_y in trial.parts(x, y):
                    self._learn(some_x, some_y, part * share, sums)
            self._step()
            steps += 1
        return sums.read(), steps

    def _learn(self, x: Any, y: Tensor, share: float, sums: _Sums) -> None:
        y = y.to(self.device, non_blocking=True)
        with self._autocast():
            scores = self._scores(x, y)
            loss = self._loss(scores, y, smoothing=self.knobs.label_smoothing)
        scaled = loss if share == 1 else loss * share
        (self.scaler.scale(scaled) if self.scaler.is_enabled() else scaled).backward()
        if self.knobs.label_smoothing and self.loss is None and _classes(y):
            loss = self._loss(scores.detach(), y)
        sums.add(loss.detach(), scores.detach(), y)

    def _step(self) -> None:
        if self.knobs.clip or self.knobs.l1:
            self.scaler.unscale_(self.optimizer)
        if self.knobs.l1:
            add_l1(self.weights, self.knobs.l1)
        if self.knobs.clip:
            nn.utils.clip_grad_norm_(self.weights, self.knobs.clip)
        if self.scaler.is_enabled():
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()
        self.schedule.step()

    @torch.no_grad()
    def judge(
        self, data: Rows, size: int, metrics: Mapping[str, Callable[[Tensor, Tensor], Any]]
    ) -> dict[str, float]:
        """Loss, accuracy and `metrics` on data that is not trained on."""
        self.model.eval()
        sums = _Sums(self.device)
        seen: list[tuple[Tensor, Tensor]] = []
        for x, target in data.batches(size, None):
            y = target.to(self.device, non_blocking=True)
            with self._autocast():
                scores = self._scores(x, y)
                loss = self._loss(scores, y)
            sums.add(loss, scores, y)
            if metrics:
                seen.append((scores.float(), y))
        found = sums.read()
        if metrics:
            scores, y = (torch.cat(part) for part in zip(*seen, strict=True))
            found |= {name: float(metric(scores, y)) for name, metric in metrics.items()}
        return found

    def norm(self) -> float:
        """Of all gradients, at the last step; with `clip`, after it."""
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        return float(nn.utils.get_total_norm(gradients)) if gradients else 0.0

    def _scores(self, x: Any, y: Tensor) -> Tensor:
        x = each(x, lambda tensor: tensor.to(self.device, non_blocking=True))
        if isinstance(x, dict):
            scores = self.model(**x)
        else:
            scores = self.model(*x) if isinstance(x, tuple) else self.model(x)
        assert isinstance(scores, Tensor)
        one = not _classes(y) and scores.ndim == y.ndim + 1 and scores.shape[-1] == 1
        return scores.squeeze(-1) if one else scores

    def _loss(self, scores: Tensor, y: Tensor, smoothing: float = 0.0) -> Tensor:
        if self.loss is not None:
            return self.loss(scores, y)
        if _classes(y):
            whole = y.long() if y.ndim < scores.ndim else y
            return F.cross_entropy(scores, whole, label_smoothing=smoothing)
        if scores.shape != y.shape:
            raise ValueError(
                f"the model's scores {tuple(scores.shape)} and the targets {tuple(y.shape)} "
                "differ in shape"
            )
        return F.mse_loss(scores, y)

    def _autocast(self) -> AbstractContextManager[Any]:
        if str(self.knobs.precision) == "32":
            return nullcontext()  # as torch's own would be, but at no cost
        kind = torch.float16 if self.knobs.precision == "fp16" else torch.bfloat16
        return torch.autocast(self.device.type, kind)


class _Sums:
    """Losses and hits of an epoch, summed where they are."""

    def __init__(self, device: torch.device) -> None:
        self._loss = torch.zeros((), device=device)
        self._right: Tensor | None = None
        self._rows = 0

    def add(self, loss: Tensor, scores: Tensor, y: Tensor) -> None:
        self._loss += loss.float() * len(y)
        self._rows += len(y)
        if _classes(y) and scores.ndim == 2 and y.ndim == 1:
            right = (scores.argmax(dim=1) == y).sum()
            self._right = right if self._right is None else self._right + right

    def read(self) -> dict[str, float]:
        if not self._rows:
            raise ValueError(
                "the loader handed out no batch: are there fewer rows than its batch size, and "
                "drop_last is set?"
            )
        found = {"loss": self._loss.item() / self._rows}
        if self._right is not None:
            found["accuracy"] = self._right.item() / self._rows
        return found


def _classes(y: Tensor) -> bool:
    return not y.is_floating_point()


def _memory(device: torch.device) -> float:
    """The most that was used so far, in MB: of the device's, or of the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
