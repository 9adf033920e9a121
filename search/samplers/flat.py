"""Where the space is flat: how far around a trial everything has come out exactly the same.

What comes out as its neighbours did, to the last digit at every rung that both have reached, has
taught nothing. Training has noise, so that this happens where a parameter does not matter, where
a metric is coarse, or where configurations are answered from a table. A model goes on proposing
such a place, for it is the best one known.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def extents(values: Floats, distance: Floats) -> Floats:
    """How far the furthest of each trial's neighbours [n] is that, like all nearer ones, came out
    as it did; 0 where the nearest came out otherwise.

    `values` [n, rungs]: the trials' results, NaN where they have none; `distance` [n, n].
    """
    found = np.zeros(len(values))
    nearest = np.where(distance > 0, distance, np.inf).argmin(axis=1)
    some = np.flatnonzero(_same(values, values[nearest]))  # none, as a rule: that saves time
    # The same place again, first of all the trial itself, says nothing of what is around it.
    alike = _same(values[some, None], values[None]) | (distance[some] == 0)
    nearest_first = np.argsort(distance[some], axis=1, kind="stable")
    away = np.take_along_axis(distance[some], nearest_first, axis=1)
    flat = np.logical_and.accumulate(np.take_along_axis(alike, nearest_first, axis=1), axis=1)
    found[some] = np.where(flat, away, 0.0).max(axis=1)
    return found


def _same(one: Floats, other: Floats) -> Bools:
    """Whether results [..., rungs] are equal where both are there, as they must be somewhere."""
    equal = one == other
    differ = ~equal & ~np.isnan(one) & ~np.isnan(other)
    return np.asarray(equal.any(axis=-1) & ~differ.any(axis=-1))
