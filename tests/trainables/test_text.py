"""The text trainable, on a few short texts."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nightsweep.search import ready
from nightsweep.search.errors import DataError
from nightsweep.trainables.host import seed_everything
from nightsweep.trainables.job import Job
from nightsweep.trainables.ready import ReadyMade
from nightsweep.trainables.text import Text
from nightsweep.trainables.trial import Halted, Trial

from .links import Link

GOOD, BAD = ("lovely", "charming", "bright", "warm"), ("dull", "clumsy", "grey", "cold")
OTHER = ("the", "film", "was", "a", "story", "of", "two")
BAG = {"lr": 0.05, "width": 8, "batch_size": 16}
TRANSFORMER = {
    "model": "transformer", "lr": 0.01, "width": 8, "heads": 2, "layers": 1, "batch_size": 16,
}  # fmt: skip


def reviews(rows: int = 80) -> pd.DataFrame:
    """Of each row a word or two say whether it is liked, and how much."""
    generator = np.random.default_rng(0)
    texts, stars = [], []
    for row in range(rows):
        count = int(generator.integers(1, 4))
        said = generator.choice(GOOD if row % 2 else BAD, count)
        texts.append(" ".join([*generator.choice(OTHER, generator.integers(1, 9)), *said]))
        stars.append(100.5 + 10 * count * (1 if row % 2 else -1))
    liked = ["yes" if row % 2 else "no" for row in range(rows)]
    return pd.DataFrame({"review": texts, "liked": liked, "stars": stars})


def a_text(folder: Path, frame: pd.DataFrame | None = None, **given: Any) -> Text:
    (reviews() if frame is None else frame).to_csv(folder / "reviews.csv", index=False)
    settings = ready.Text(**({"target": "liked", "ignore": ()} | given))
    made = ReadyMade(settings=settings, data=["reviews.csv"]).load(folder)
    assert isinstance(made, Text)
    return made


def trained(
    made: Text, folder: Path, config: dict[str, Any], *, last: int = 4, pauses: bool = False
) -> list[dict[str, float]]:
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
    return [dict(step.metrics) for step in link.steps]


@pytest.mark.parametrize("config", [BAG, BAG | {"pairs": False, "pieces": False}, TRANSFORMER])
def test_it_learns_which_words_say_what(tmp_path: Path, config: dict[str, Any]) -> None:
    found = trained(a_text(tmp_path), tmp_path / "trial", config, last=8)[-1]
    assert found["val_accuracy"] > 0.8
    assert found["test_accuracy"] > 0.8


@pytest.mark.parametrize("config", [BAG, TRANSFORMER])
def test_a_number_is_predicted_in_its_own_units(tmp_path: Path, config: dict[str, Any]) -> None:
    made = a_text(tmp_path, reviews().drop(columns="liked"), target="stars")
    found = trained(made, tmp_path / "trial", config, last=12)[-1]
    assert found["val_r2"] > 0.5
    assert 0.1 < found["val_mae"] < 15  # of numbers from 70 to 130
    assert "val_accuracy" not in found


@pytest.mark.parametrize("config", [BAG, TRANSFORMER])
def test_a_trial_that_is_paused_each_epoch_reports_the_same_bit_for_bit(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    names = ("train_loss", "val_loss", "test_loss")
    through = trained(a_text(tmp_path), tmp_path / "one", config)
    paused = trained(a_text(tmp_path), tmp_path / "two", config, pauses=True)
    assert [[at[name] for name in names] for at in paused] == [
        [at[name] for name in names] for at in through
    ]


def test_with_cv_an_epoch_is_a_fold_with_words_of_its_own(tmp_path: Path) -> None:
    made = a_text(tmp_path, cv=3)
    found = trained(made, tmp_path / "trial", BAG | {"epochs": 4}, last=3)
    assert len(found) == 3
    assert found[-1]["val_accuracy"] > 0.9
    assert "val_loss_std" in found[-1]
    sizes = {made._part(fold, True, True, True).size for fold in range(3)}
    assert len(sizes) > 1


@pytest.mark.parametrize("bag", [True, False])
def test_no_word_is_known_from_rows_that_judge(tmp_path: Path, bag: bool) -> None:
    before = a_text(tmp_path)._part(0, bag, bag, bag)
    made = a_text(tmp_path)
    ((train, _),) = made._lesson.rows.parts
    frame = reviews()
    others = np.setdiff1d(np.arange(len(frame)), train)
    frame.loc[others, "review"] = "quagga " + frame.loc[others, "review"]
    after = a_text(tmp_path, frame)._part(0, bag, bag, bag)
    assert after.size == before.size
    (seen, _), (same, _) = (next(part.data.train.batches(99, None)) for part in (before, after))
    assert all(torch.equal(seen[name], same[name]) for name in seen)


def test_a_text_of_unknown_words_alone_is_no_error(tmp_path: Path) -> None:
    frame = reviews()
    frame.loc[:9, "review"] = [f"{letter * 7}" for letter in "abcdefghij"]
    for name, config in (("bag", BAG), ("transformer", TRANSFORMER)):
        found = trained(a_text(tmp_path, frame), tmp_path / name, config, last=1)
        assert np.isfinite(found[0]["val_loss"])


def test_check_says_what_is_wrong_with_the_data(tmp_path: Path) -> None:
    a_text(tmp_path).check()
    frame = reviews()
    frame.loc[3, "review"] = " "
    with pytest.raises(DataError, match="text 'review' is empty in row 4"):
        a_text(tmp_path, frame).check()
    with pytest.raises(DataError, match="target 'liked' is 'yes' in every row"):
        a_text(tmp_path, reviews().assign(liked="yes")).check()
    with pytest.raises(DataError, match="cv: 50 folds are more than the"):
        a_text(tmp_path, cv=50).check()
    with pytest.raises(DataError, match="min_count: no word is in 1000 of the 48 rows"):
        a_text(tmp_path, min_count=1000).check()


def test_a_tokenizer_is_looked_for_beside_the_sweep_file(tmp_path: Path) -> None:
    made = a_text(tmp_path, tokenizer="mine")
    with pytest.raises(DataError, match=f"tokenizer {tmp_path}/mine is not there"):
        made.check()


@pytest.mark.parametrize("width", [6, 7])
def test_heads_that_nobody_asked_for_divide_any_width(tmp_path: Path, width: int) -> None:
    config = {key: value for key, value in TRANSFORMER.items() if key != "heads"}
    found = trained(a_text(tmp_path), tmp_path / "trial", config | {"width": width}, last=1)
    assert "val_accuracy" in found[-1]
