"""A space as numbers that a model can compare: all candidates at once, in arrays.

    features = Features(space)
    places = features.snap(generator.random((500, features.sides)))    # what can be taken
    matrix = features.matrix(places)                                    # [500, f]

A place is a point of the unit cube, one side a parameter. Parameters without an order become one
column a value; one that is not used in a configuration lies in the middle, or has no value.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..parameter import same
from ..space import Config, Float, Int, Parameter, Space, options
from .cube import graded, place

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MIDDLE = 0.5


class Features:
    """The features of a space's configurations."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._names = tuple(space.order)
        self._parameters = [space.parameters[name] for name in self._names]
        widths = [1 if graded(p) else _values(p) for p in self._parameters]
        self.owner: Ints = np.repeat(np.arange(len(widths)), widths)

    @property
    def sides(self) -> int:
        """How many parameters there are."""
        return len(self._parameters)

    def place(self, config: Config) -> Floats:
        """Where a configuration lies [sides]; NaN for what it does not use."""
        return np.array(
            [
                place(parameter, config[name]) if name in config else math.nan
                for name, parameter in zip(self._names, self._parameters, strict=True)
            ]
        )

    def config(self, where: Floats) -> Config:
        """The configuration at a place; the middle of what it uses after all."""
        known = np.where(np.isnan(where), MIDDLE, where)
        found = dict(zip(self._names, known, strict=True))
        return self._space.build(lambda name, parameter: parameter.at(float(found[name])))

    def snap(self, places: Floats) -> Floats:
        """The nearest places [n, sides] that configurations can have; NaN for what is not used."""
        snapped = np.stack(
            [
                _snap(parameter, side)
                for parameter, side in zip(self._parameters, places.T, strict=True)
            ],
            axis=1,
        )
        for index, parameter in enumerate(self._parameters):  # parents first
            snapped[~self._used(parameter, snapped), index] = math.nan
        return snapped

    def matrix(self, places: Floats) -> Floats:
        """The features [n, f] of places [n, sides]."""
        columns = []
        for parameter, side in zip(self._parameters, places.T, strict=True):
            if graded(parameter):
                columns.append(np.where(np.isnan(side), MIDDLE, side)[:, None])
            else:
                count = _values(parameter)
                values = np.where(np.isnan(side), -1, np.floor(np.nan_to_num(side) * count))
                # Two values differ in two columns: together as far apart as the ends of a side.
                columns.append((values[:, None] == np.arange(count)) / math.sqrt(2))
        return np.concatenate(columns, axis=1)

    def distance(self, places: Floats, others: Floats) -> Floats:
        """How far apart places [n, sides] and others [m, sides] are [n, m]."""
        from scipy.spatial.distance import cdist

        return np.asarray(cdist(self.matrix(places), self.matrix(others)))

    def _used(self, parameter: Parameter, snapped: Floats) -> Bools:
        """Where a parameter matters; a parent that is not used is close to nothing."""
        found = np.ones(len(snapped), dtype=bool)
        for parent, wanted in (parameter.when or {}).items():
            if parent in self._space.constants:
                constant = self._space.constants[parent]
                found &= any(same(constant, value) for value in options(wanted))
                continue
            index = self._names.index(parent)
            places = [place(self._parameters[index], value) for value in options(wanted)]
            close = np.isclose(snapped[:, index, None], places, rtol=0, atol=1e-9)
            found &= close.any(axis=1)
        return found


def _values(parameter: Parameter) -> int:
    assert parameter.count is not None  # without an order: words, or one value alone
    return parameter.count


def _snap(parameter: Parameter, side: Floats) -> Floats:
    """`place(parameter.at(x))` for many x."""
    count = parameter.count
    if count is None and isinstance(parameter, Float):
        return side.copy()
    if count is None and isinstance(parameter, Int) and parameter.log:
        low, high = math.log(parameter.min - 0.5), math.log(parameter.max + 0.5)
        whole = np.clip(np.round(np.exp(low + side * (high - low))), parameter.min, parameter.max)
        return np.asarray((np.log(whole) - low) / (high - low))
    if count is None:
        assert isinstance(parameter, Int)
        count = parameter.max - parameter.min + 1
    return np.asarray((np.minimum(np.floor(side * count), count - 1) + 0.5) / count)
