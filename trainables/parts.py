"""Batches in parts: what does not fit into memory at once is trained piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

KINDS = "tensors, and tuples, lists and dicts of tensors"


def parts(batch: tuple[Any, ...], count: int) -> Iterator[tuple[Any, ...]]:
    """For each of `count` parts its share of the rows, and these rows of each thing in the batch.

    Parts differ by one row at most; there are no more than rows. A single part is the batch
    itself. Errors: TypeError for other things than tensors (N, ...), and tuples, lists and dicts
    of them; ValueError if they differ in N.
    """
    sizes = [len(tensor) for thing in batch for tensor in _tensors(thing)]
    if not sizes:
        raise TypeError(f"trial.parts was given nothing; it takes {KINDS}")
    if len(set(sizes)) > 1:
        raise ValueError(
            f"trial.parts was given tensors of {', '.join(map(str, sizes))} rows; all are divided "
            "along their first dimension, so they must have equally many"
        )
    return _divided(batch, sizes[0], max(min(count, sizes[0]), 1))


def _divided(batch: tuple[Any, ...], rows: int, count: int) -> Iterator[tuple[Any, ...]]:
    if count == 1:
        yield 1.0, *batch
        return
    for start, end in pairwise(rows * part // count for part in range(count + 1)):
        share = (end - start) / rows
        yield share, *(_rows(thing, slice(start, end)) for thing in batch)


def _tensors(thing: Any) -> list[Any]:
    """The tensors of one thing, on one level."""
    import torch

    if isinstance(thing, Mapping):
        tensors = list(thing.values())
    else:
        tensors = list(thing) if type(thing) in (tuple, list) else [thing]
    for tensor in tensors:
        if not isinstance(tensor, torch.Tensor):
            inside = "" if tensor is thing else f" in a {type(thing).__name__}"
            raise TypeError(f"trial.parts takes {KINDS}, not a {type(tensor).__name__}{inside}")
        if not tensor.ndim:
            raise TypeError(f"trial.parts takes {KINDS}, each with rows, not a single number")
    return tensors


def _rows(thing: Any, rows: slice) -> Any:
    if isinstance(thing, Mapping):
        return {name: tensor[rows] for name, tensor in thing.items()}
    if type(thing) in (tuple, list):
        return type(thing)(tensor[rows] for tensor in thing)
    return thing[rows]
