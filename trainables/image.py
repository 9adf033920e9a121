"""`trainable: image`: a network on pictures, from their files to its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from ..search import ready
from ..search.errors import DataError
from ..search.parameter import Choice
from ..search.ready.image import EPOCHS, RESNET
from . import transfer
from .batches import Data
from .folds import cross_validated
from .knobs import Knobs
from .loop import fit
from .pictures.augment import Augment, Moments, Scale
from .pictures.divide import divided, folded
from .pictures.pictures import Pictures
from .pictures.read import read
from .resnet import ResNet
from .table.scale import Metric
from .table.scale import Scale as TargetScale
from .table.split import Numbers, Split
from .trial import Trial

AUGMENT: dict[str, Any] = {"shift": 0.0, "flip": False}
MODEL: dict[str, Any] = {"width": 32, "depth": 1, "dropout": 0.0}
SMALL = 16  # pixels, up to which the first convolution takes every one


class Image:
    """Trains a network on pictures. `data`: a folder, an .npz file, or a known set.

    A process reads its pictures once, and keeps them in memory for all its trials.
    """

    def __init__(self, settings: ready.Image, data: list[str]) -> None:
        self.settings = settings
        self.data = data
        self._models = [settings.model]
        self._part = lru_cache(maxsize=1)(self._made)

    def allow(self, parameters: Mapping[str, Any]) -> None:
        """Any knobs, which are checked already; `check` looks at all networks that they name."""
        match parameters.get("model"):
            case Choice(values=models):
                self._models = [model or self.settings.model for model in models]
            case str(model):
                self._models = [model]

    def check(self) -> None:
        """Errors: DataError, where the pictures or a network cannot be used."""
        self._part(0)
        for model in self._models:
            network = self._network({"model": model})
            if not isinstance(network, ResNet):
                transfer.look(network, self._pictures.x.shape[2:])

    def __call__(self, config: dict[str, Any], trial: Trial) -> None:
        """Train one configuration; what is in it: search/ready/image.py."""
        given = {key: value for key, value in config.items() if value is not None}
        given.setdefault("precision", quickest(trial.device))
        if self.settings.cv is None:
            return self._train(given, 0, trial)
        train = partial(self._train, given)
        cross_validated(train, trial, folds=self.settings.cv, epochs=EPOCHS)

    def _train(self, config: Mapping[str, Any], number: int, trial: Trial) -> None:
        part = self._part(number)
        network = self._network(config)
        augment = Augment(**{name: config.get(name, value) for name, value in AUGMENT.items()})
        channels = self._pictures.x.shape[1] if isinstance(network, ResNet) else 3
        model = nn.Sequential(augment, Scale(part.moments, channels), network)
        # The order that convolutions are quick in, on CPUs and on tensor cores.
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        data = evened(part.data, Knobs.of(config))
        fit(model, data, config, trial, metrics=part.metrics)

    def _network(self, config: Mapping[str, Any]) -> nn.Module:
        """Errors: DataError."""
        outputs = len(self._pictures.classes) or 1
        name = config.get("model", self.settings.model)
        _, channels, height, width = self._pictures.x.shape
        if name != RESNET:
            if channels not in (1, 3):
                raise DataError(
                    f"{name} sees colours, red, green and blue, not {channels} channels"
                )
            name = name.removeprefix("torchvision:")
            return transfer.network(name, outputs, pretrained=self.settings.pretrained)
        stem = 1 if min(height, width) <= SMALL else 2
        knobs = {name: config.get(name, value) for name, value in MODEL.items()}
        return ResNet(channels, outputs, stem=config.get("stem", stem), **knobs)

    @cached_property
    def _pictures(self) -> Pictures:
        return read(self.data, self.settings.size)

    @cached_property
    def _parts(self) -> list[Split]:
        """What is trained on, judged by and tested with: once, or in each fold."""
        if self.settings.cv is None:
            return [divided(self._pictures, self.settings)]
        return folded(self._pictures, self.settings)

    def _made(self, number: int) -> Part:
        pictures, split = self._pictures, self._parts[number]
        y, metrics = torch.from_numpy(pictures.y), {}
        if pictures.kind == "regression":
            scale = TargetScale.of(pictures.y[split.train])
            y, metrics = scale.standard(y), scale.metrics

        def those(numbers: Numbers) -> tuple[Tensor, Tensor]:
            return torch.from_numpy(pictures.x[numbers]), y[numbers]

        train = those(split.train)
        test = those(split.test) if len(split.test) else None
        return Part(
            data=Data(train=train, val=those(split.val), test=test),
            moments=Moments.of(train[0].numpy()),
            metrics=metrics,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one training takes, made ready. `moments`: of the pictures that are trained on."""

    data: Data
    moments: Moments
    metrics: Mapping[str, Metric]


def evened(data: Data, knobs: Knobs) -> Data:
    """Without the last picture to learn from, where it would be a batch by itself.

    Of one pixel of one picture, which is what networks that end small would see, a batch norm
    learns nothing.
    """
    x, y = data.train
    if len(y) > 1 and len(y) % (knobs.batch_size * knobs.accumulate) == 1:
        return replace(data, train=(x[:-1], y[:-1]))
    return data


def quickest(device: str) -> str:
    """The precision in which this machine multiplies quickest: bf16 where it can itself."""
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "32"
    able = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return "bf16" if any(getattr(torch.cpu, name, bool)() for name in able) else "32"
