"""What a sampler is taught: the results at one rung, and of many results those that teach most.

Values of different epochs are never compared: the model is that of the highest rung with enough
results, and sees the trials that have come there (Falkner et al. 2018, BOHB, section 3.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from ..history import Observation, Standing, Standings

# A model lives on the best results (TPE's "good" set is at most 25 trials: Optuna's
# default_gamma), so a few hundred of them tell it as much as all do, and a proposal takes as long
# at 10 000 trials as at 300.
LEADERS = 50
RECENT = 200

Result = tuple[Observation, float]  # a trial, and its value at the modelled rung


def modelled(observations: Sequence[Observation], enough: int) -> int | None:
    """The highest rung at which at least `enough` trials have a value; None if there is none."""
    rungs = Standings.of(observations).rungs.items()
    return max((rung for rung, standing in rungs if standing.reached >= enough), default=None)


def there(observations: Sequence[Observation], rung: int, first: int = 0) -> list[Result]:
    """All results at a rung, in the order of their trials, from the `first` on (counted from 0).

    That of a diverged trial is inf.
    """
    standings = Standings.of(observations)
    return _results(standings, rung, standings.rungs.get(rung, Standing()).trials[first:])


def best(observations: Sequence[Observation], rung: int, count: int) -> list[Result]:
    """The best results at a rung, best first."""
    standings = Standings.of(observations)
    ranked = standings.rungs.get(rung, Standing()).ranked
    return _results(standings, rung, [trial for _, trial in ranked[:count]])


def count(observations: Sequence[Observation], rung: int) -> int:
    """How many results there are at a rung, those of diverged trials included."""
    return len(Standings.of(observations).rungs.get(rung, Standing()).trials)


def telling(observations: Sequence[Observation], rung: int) -> list[Result]:
    """The results at a rung that teach most: the leaders, and the latest of the others."""
    standings = Standings.of(observations)
    standing = standings.rungs.get(rung, Standing())
    if len(standing.trials) <= LEADERS + RECENT:
        return there(standings, rung)
    leaders = [trial for _, trial in standing.ranked[:LEADERS]]
    others = (trial for trial in reversed(standing.trials) if trial not in leaders)
    return _results(standings, rung, leaders + sorted(islice(others, RECENT)))


def _results(standings: Standings, rung: int, trials: Iterable[int]) -> list[Result]:
    known = (standings.known(trial) for trial in trials)
    return [(o, value) for o in known if o and (value := o.at(rung)) is not None]
