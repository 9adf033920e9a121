"""`trainable: text`: an embedding bag or a small transformer on a column of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import accumulate, chain
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..search import ready
from ..search.errors import DataError
from .bag import Bag
from .batches import Data
from .folds import cross_validated
from .loop import fit
from .ready import one
from .table.lesson import divided
from .table.read import read
from .table.scale import Metric, Scale
from .table.split import Folds, Numbers
from .table.target import Target, target
from .transformer import Transformer
from .trial import Trial
from .words.column import column
from .words.features import features
from .words.ragged import Ragged
from .words.tokenise import Words, tokenised
from .words.vocabulary import Vocabulary

MODEL: dict[str, Any] = {
    "model": ready.text.BAG,
    "width": 32,
    "dropout": 0.3,
    "word_dropout": 0.1,
    "pairs": True,  # of a bag
    "pieces": True,
    "layers": 2,  # of a transformer; heads: four, or what divides its width
}
HEADS = 4
KEPT = 4  # ways of reading the texts that a process keeps ready


class Text:
    """Learns from a column of text. `data`: one path; `folder`: where a tokenizer is looked for.

    What words there are, and how rare they are, is learned from the rows that are trained on. A
    process reads its table once, and keeps it ready for its trials.
    """

    def __init__(self, settings: ready.Text, data: list[str], folder: Path) -> None:
        self.settings = settings
        self.data = data
        self._tokenizer: str | None = None
        if settings.tokenizer is not None:
            self._tokenizer = str(folder / Path(settings.tokenizer).expanduser())
        self._part = lru_cache(KEPT)(self._made)

    def check(self) -> None:
        """Errors: DataError, where the table or the tokenizer cannot be read or learned from."""
        for number in range(len(self._lesson.rows.parts)):
            self._part(number, True, False, False)

    def __call__(self, config: dict[str, Any], trial: Trial) -> None:
        """Train one configuration; what is in it: search/ready/text.py."""
        if self.settings.cv is None:
            self._train(config, 0, trial)
        else:
            train = partial(self._train, config)
            epochs = ready.text.EPOCHS
            cross_validated(train, trial, folds=self.settings.cv, epochs=epochs)

    def _train(self, config: dict[str, Any], number: int, trial: Trial) -> None:
        knobs = MODEL | {key: value for key, value in config.items() if value is not None}
        bag = knobs["model"] == ready.text.BAG
        ways = (bool(knobs["pairs"]), bool(knobs["pieces"])) if bag else (False, False)
        part = self._part(number, bag, *ways)
        fit(self._model(part.size, bag, knobs), part.data, config, trial, metrics=part.metrics)

    def _model(self, size: int, bag: bool, knobs: Mapping[str, Any]) -> nn.Module:
        outputs = len(self._lesson.target.classes) or 1
        own = {name: knobs[name] for name in ("width", "dropout", "word_dropout")}
        if bag:
            return Bag(size, outputs, **own)
        heads = knobs.get("heads", gcd(HEADS, own["width"]))
        return Transformer(size, outputs, layers=knobs["layers"], heads=heads, **own)

    @cached_property
    def _lesson(self) -> Lesson:
        frame = read(one(self.data, "text"))
        found = target(frame, self.settings)
        rows = divided(frame, found, self.settings)
        texts = column(frame, self.settings)
        words = tokenised(texts, self._tokenizer, self.settings.max_length)
        return Lesson(words=words, target=found, rows=rows)

    def _made(self, number: int, bag: bool, pairs: bool, pieces: bool) -> Part:
        lesson = self._lesson
        train, val = lesson.rows.parts[number]
        y, metrics = torch.tensor(lesson.target.values), {}
        if lesson.target.kind == "regression":
            scale = Scale.of(lesson.target.values[train])
            y, metrics = scale.standard(y), scale.metrics
        size, rows = self._bag(train, y, pairs, pieces) if bag else self._sequence(train, y)
        test = rows.take(lesson.rows.test) if len(lesson.rows.test) else None
        data = Data(train=rows.take(train), val=rows.take(val), test=test)
        return Part(size=size, data=data, metrics=metrics)

    def _bag(self, train: Numbers, y: Tensor, pairs: bool, pieces: bool) -> tuple[int, Ragged]:
        """How many features there are, and those of each text; 0 fills up. Errors: DataError."""
        least, most = self.settings.min_count, self.settings.vocabulary
        found = features(
            self._lesson.words, train, pairs=pairs, pieces=pieces, least=least, most=most
        )
        if not found.shape[1]:
            raise DataError(
                f"min_count: no word is in {least} of the {len(train)} rows that are trained on; "
                "make it smaller"
            )
        values = {
            "ids": torch.from_numpy(found.indices.astype(np.int64) + 1),
            "weights": torch.from_numpy(found.data.astype(np.float32)),
        }
        return found.shape[1], Ragged.of(values, found.indptr.astype(np.int64), y)

    def _sequence(self, train: Numbers, y: Tensor) -> tuple[int, Ragged]:
        """How many words there are, and those of each text, in order."""
        words, longest = self._lesson.words, self.settings.max_length
        least, most = self.settings.min_count, self.settings.vocabulary
        known = Vocabulary.learned((words[row] for row in train), least=least, most=most)
        read = [known.numbers(text, longest) for text in words]
        ends = np.array([0, *accumulate(map(len, read))], dtype=np.int64)
        return len(known), Ragged.of({"ids": torch.tensor([*chain.from_iterable(read)])}, ends, y)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Texts cut into words, what is predicted of each, and which rows are for what."""

    words: Sequence[Words]
    target: Target
    rows: Folds


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one training takes, made ready. `size`: how many features, or words, there are."""

    size: int
    data: Data
    metrics: Mapping[str, Metric]
