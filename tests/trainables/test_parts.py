from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

from nightsweep.trainables.job import Answer, Divides, Job, Message, Step
from nightsweep.trainables.parts import parts
from nightsweep.trainables.trial import Trial


class Listener:
    """Notes down what a trial sends."""

    halting = False

    def __init__(self) -> None:
        self.heard: list[Message] = []

    def send(self, message: Message) -> None:
        self.heard.append(message)

    def ask(self, step: Step) -> Answer:
        raise AssertionError("nothing is to be decided here")


def trial(split: int, link: Listener | None = None) -> Trial:
    values: dict[str, Any] = {"config": {}, "epoch": 0, "until": 9, "max_epochs": 9}
    job = Job(trial=7, metrics=("loss",), seed=1, folder=Path("nowhere"), split=split, **values)
    return Trial(job, link or Listener())


def gradients(split: int, rows: int, model: nn.Module, loss_of: nn.Module) -> list[Tensor]:
    """Of one step, as a training function writes it."""
    torch.manual_seed(3)
    x, y = torch.randn(rows, 5, dtype=torch.float64), torch.randint(0, 3, (rows,))
    model.zero_grad()
    for share, part_x, part_y in trial(split).parts(x, y):
        (loss_of(model(part_x), part_y) * share).backward()
    return [one.grad.clone() for one in model.parameters() if one.grad is not None]


@pytest.mark.parametrize("rows", [1, 2, 7, 31, 32])
@pytest.mark.parametrize("split", [2, 4, 8, 16])
def test_gradients_of_a_mean_loss_are_those_of_the_whole_batch(rows: int, split: int) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.LayerNorm(8), nn.Linear(8, 3)).double()
    loss_of = nn.CrossEntropyLoss()
    whole = gradients(1, rows, model, loss_of)
    assert len(whole) == 6
    torch.testing.assert_close(gradients(split, rows, model, loss_of), whole)


def test_batch_statistics_are_those_of_the_parts() -> None:
    """What the documents say of BatchNorm; if this fails they say too little of trial.parts."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)).double()
    loss_of = nn.CrossEntropyLoss()
    whole, divided = (gradients(split, 32, model, loss_of) for split in (1, 4))
    assert not torch.allclose(whole[0], divided[0])


@pytest.mark.parametrize(
    ("rows", "count", "sizes"),
    [
        (8, 1, [8]),
        (8, 2, [4, 4]),
        (7, 2, [3, 4]),
        (10, 4, [2, 3, 2, 3]),
        (9, 8, [1, 1, 1, 1, 1, 1, 1, 2]),
        (3, 16, [1, 1, 1]),
        (1, 4, [1]),
        (0, 4, [0]),
    ],
)
def test_parts_differ_by_one_row_at_most_and_hold_every_row_once(
    rows: int, count: int, sizes: list[int]
) -> None:
    x = torch.arange(rows)
    pieces = list(parts((x,), count))
    assert [len(piece) for _, piece in pieces] == sizes
    assert torch.equal(torch.cat([piece for _, piece in pieces]), x)
    assert sum(share for share, _ in pieces) == pytest.approx(1.0)
    assert [share * max(rows, 1) for share, _ in pieces] == pytest.approx(sizes if rows else [1.0])


def test_one_part_is_the_batch_itself() -> None:
    x, y = torch.zeros(4, 2), {"mask": torch.zeros(4)}
    ((share, part_x, part_y),) = trial(1).parts(x, y)
    assert share == 1.0
    assert part_x is x
    assert part_y is y


def test_tuples_lists_and_dicts_of_tensors_are_divided_as_they_are() -> None:
    x = torch.arange(5)
    pieces = [part for _, *part in parts((x, (x, -x), [x], {"ids": x, "mask": x > 2}), 2)]
    assert len(pieces) == 2
    rows = x[2:]
    plain, pair, several, named = pieces[1]
    assert torch.equal(plain, rows)
    assert isinstance(pair, tuple)
    assert torch.equal(pair[1], -rows)
    assert isinstance(several, list)
    assert torch.equal(several[0], rows)
    assert torch.equal(named["ids"], rows)
    assert named["mask"].tolist() == [False, True, True]


def test_parts_take_no_memory_of_their_own() -> None:
    x = torch.zeros(6, 3)
    assert {part.untyped_storage().data_ptr() for _, part in parts((x,), 3)} == {
        x.untyped_storage().data_ptr()
    }


TAKES = "trial.parts takes tensors, and tuples, lists and dicts of tensors, "
X = torch.zeros(4, 2)


@pytest.mark.parametrize(
    ("batch", "kind", "words"),
    [
        ((), TypeError, "trial.parts was given nothing; it takes tensors, and tuples, lists and "
                        "dicts of tensors"),
        (((),), TypeError, "trial.parts was given nothing; it takes tensors, and tuples, lists "
                           "and dicts of tensors"),
        ((None,), TypeError, f"{TAKES}not a NoneType"),
        (([[X]],), TypeError, f"{TAKES}not a list in a list"),
        (({"x": {"y": X}},), TypeError, f"{TAKES}not a dict in a dict"),
        (({"x": X, "name": "a"},), TypeError, f"{TAKES}not a str in a dict"),
        ((SimpleNamespace(x=X),), TypeError, f"{TAKES}not a SimpleNamespace"),
        ((pack_sequence([X]),), TypeError, f"{TAKES}not a PackedSequence"),
        ((torch.tensor(1.0),), TypeError, f"{TAKES}each with rows, not a single number"),
        ((X, X[:3]), ValueError, "trial.parts was given tensors of 4, 3 rows; all are divided "
                                 "along their first dimension, so they must have equally many"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("split", [1, 2])
def test_what_cannot_be_divided_is_refused_whether_it_needs_to_be_or_not(
    split: int, batch: tuple[Any, ...], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind) as caught:
        trial(split).parts(*batch)
    assert str(caught.value) == words


def test_the_driver_is_told_once_that_batches_can_be_divided() -> None:
    link = Listener()
    tried = trial(1, link)
    assert link.heard == []
    for _ in range(3):
        list(tried.parts(torch.zeros(4)))
    assert link.heard == [Divides(trial=7)]
