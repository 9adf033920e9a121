"""What a distribution of another tool becomes in a sweep file.

    uniform(0, 1)            {min: 0.0, max: 1.0}
    log_uniform(1e-5, 1)     {min: 1e-05, max: 1.0, log: true}
    normal(0.1, 0.02)        {min: 0.06, max: 0.14, default: 0.1, prior: low}, with a note

A range of a single value becomes that value. Errors: SweepError, where bounds are no numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ..brief import brief
from ..errors import Problem, SweepError
from ..parameter import same

MOST = 10_000  # values of a list that is made here
SPREAD = 2  # standard deviations to either side: 95% of a normal distribution


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A value of `parameters`; what is not as it was; of what it has to be a multiple."""

    value: Any
    note: str = ""
    multiple: int | None = None


def constant(value: Any) -> Counterpart:
    """One value."""
    return Counterpart(value)


def choice(values: Any) -> Counterpart:
    """One of a list; twins, by which other tools draw a value more often, stand once."""
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise _wrong(f"needs a list of values, not {brief(values)}")
    once = [v for i, v in enumerate(values) if not any(same(v, w) for w in values[:i])]
    note = "a value that was listed twice stands once" if len(once) < len(values) else ""
    alone = len(once) == 1 and not isinstance(once[0], Mapping)
    return Counterpart(once[0] if alone else {"values": once}, note)


def uniform(low: Any, high: Any) -> Counterpart:
    """Any number between two."""
    low, high = number(low), number(high)
    return Counterpart(_range(float(low), float(high)))


def log_uniform(low: Any, high: Any) -> Counterpart:
    """Any number between two, by its exponent."""
    low, high = number(low), number(high)
    return Counterpart(_range(float(low), float(high), log=True))


def whole(low: Any, high: Any, log: bool = False) -> Counterpart:
    """A whole number between two, both included."""
    low, high = number(low), number(high)
    return Counterpart(_range(math.ceil(low), math.floor(high), log=log))


def stepped(low: Any, high: Any, step: Any) -> Counterpart:
    """low, low + step, ... up to high; whole numbers where all three are."""
    low, high, step = number(low), number(high), number(step)
    if step <= 0:
        raise _wrong(f"its step must be above 0, not {step:g}")
    if all(float(part).is_integer() for part in (low, high, step)):
        low, high, step = int(low), int(high), int(step)
    else:
        low, high, step = float(low), float(high), float(step)
    if step > high - low:
        return Counterpart(low, f"its step leaves one value, {low:g}")
    return Counterpart({"min": low, "max": high, "step": step})


def listed(
    low: Any, high: Any, many: Any, *, log: bool = False, whole: bool = False
) -> Counterpart:
    """So many values at equal distances, or ratios, from `low` to `high`."""
    low, high, many = number(low), number(high), number(many)
    if not 1 <= many <= MOST or not float(many).is_integer():
        raise _wrong(f"cannot have {many:g} values; a whole number of them, up to {MOST:,}")
    if log and min(low, high) <= 0:
        raise _wrong(f"has a logarithm, so it must lie above 0, not at {min(low, high):g}")
    if not math.isfinite((float(high) - low) * many):
        raise _wrong(f"{low:g} to {high:g} is wider than numbers can tell")
    ends = (math.log(low), math.log(high)) if log else (low, high)
    steps = [ends[0] + i * (ends[1] - ends[0]) / max(int(many) - 1, 1) for i in range(int(many))]
    values = [six(math.exp(step) if log else step) for step in steps]
    return choice(list(dict.fromkeys(round(value) if whole else value for value in values)))


def six(value: float) -> float:
    """A number of six digits, as people write it."""
    return float(f"{value:.6g}")


def rounded(low: Any, high: Any, q: Any) -> Counterpart:
    """Multiples of q between two."""
    low, high, q = number(low), number(high), number(q)
    if q <= 0:
        raise _wrong(f"q must be above 0, not {q:g}")
    if not math.isfinite(low / q) or not math.isfinite(high / q):
        raise _wrong(f"has more multiples of {q:g} than numbers can tell")
    first, last = math.ceil(_ratio(low, q)), math.floor(_ratio(high, q))
    if first > last:
        raise _wrong(f"has no multiple of {q:g} between {low:g} and {high:g}")
    ends = _times(first, q), _times(last, q)
    note = ""
    if ends != (low, high):
        told = f"{ends[0]:g} to {ends[1]:g}"
        note = f"the multiples of {q:g} between {low:g} and {high:g} are {told}"
    if first == last:
        return Counterpart(_whole_if_all(ends[0], q)[0], note)
    return Counterpart(stepped(*_whole_if_all(*ends, q)).value, note)


def log_rounded(low: Any, high: Any, q: Any) -> Counterpart:
    """Multiples of q between two, by their exponent."""
    low, high, q = number(low), number(high), number(q)
    if float(q).is_integer() and q >= 1 and math.floor(high) >= max(math.ceil(low), q):
        q = int(q)
        first = max(math.ceil(low / q), 1) * q
        return Counterpart(
            _range(first, math.floor(high / q) * q, log=True), multiple=q if q > 1 else None
        )
    note = f"was rounded to multiples of {q:g}; now any number between is tried: round it yourself"
    return Counterpart(log_uniform(low, high).value, note)


def normal(mu: Any, sigma: Any, *, log: bool = False, q: Any = None) -> Counterpart:
    """The range that holds 95% of it, its middle tried first.

    `prior: low` draws from a normal distribution a quarter of the range wide: sigma, here.
    """
    mu, sigma = number(mu), number(sigma)
    told = f"{'log-' if log else ''}normal({mu:g}, {sigma:g})"
    if sigma <= 0:
        raise _wrong(f"is {told}; its standard deviation must be above 0")
    ends = [mu - SPREAD * sigma, float(mu), mu + SPREAD * sigma]
    if log:
        ends = [_exp(end) for end in ends]
    low, middle, high = (six(end) for end in ends)
    note = f"was {told}; now the range that holds 95% of it, drawn near its middle at first"
    if q is not None:
        note += f"; it was rounded to multiples of {number(q):g}: round it yourself"
    if not low < middle < high:
        raise _wrong(f"is {told}, too narrow for a range")
    bounds = _range(low, high, log=log)
    return Counterpart({**bounds, "default": middle, "prior": "low"}, note)


def number(value: Any) -> int | float:
    """A number, also one written as text (1e-5 is, in YAML 1.1). Errors: SweepError."""
    if isinstance(value, str):
        try:
            found = Decimal(value)
        except InvalidOperation:
            raise _wrong(f"needs numbers, not {brief(value)}") from None
        exact = found.is_finite() and found == found.to_integral_value() and found.adjusted() < 18
        value = (
            int(found) if exact and "e" not in value.lower() and "." not in value else float(found)
        )
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(f"needs numbers, not {brief(value)}")
    if (isinstance(value, int) and abs(value) >= 2**63) or not math.isfinite(value):
        raise _wrong(f"needs finite numbers of 64 bits, not {brief(value)}")
    return value


def _range(low: float, high: float, *, log: bool = False) -> Any:
    if low == high:
        return low
    return {"min": low, "max": high, **({"log": True} if log else {})}


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        raise _wrong(f"reaches e^{x:g}, beyond what numbers can tell") from None


def _ratio(value: float, q: float) -> Decimal:
    return Decimal(str(value)) / Decimal(str(q))


def _times(count: int, q: float) -> float:
    return float(count * Decimal(str(q)))


def _whole_if_all(*values: float) -> list[float]:
    whole = all(float(value).is_integer() for value in values)
    return [int(value) if whole else float(value) for value in values]


def _wrong(message: str) -> SweepError:
    return SweepError([Problem(key=(), message=message)])
