"""Experiments of Determined: an experiment configuration, of any of its versions.

https://docs.determined.ai/latest/reference/training/experiment-config-reference.html
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from . import counterpart
from .commandline import SHELL, joined, literal, unshelled
from .counterpart import Counterpart
from .draft import GUESS, Beside, Draft, Values, about, section, whole_number, wrong

SEARCHERS = {
    "single": "random",
    "random": "random",
    "grid": "grid",
    "asha": "auto",
    "adaptive": "auto",
    "adaptive_simple": "auto",
    "adaptive_asha": "auto",
}
TYPES = ("const", "categorical", "int", "double", "log")
UNITS = ("epochs", "batches", "records")
KNOWN = (
    "name hyperparameters searcher entrypoint resources max_restarts reproducibility "
    "description records_per_epoch min_validation_period scheduling_unit"
)
SEARCHER = (
    "name metric smaller_is_better max_trials max_length max_time time_metric mode divisor "
    "max_rungs max_concurrent_trials stop_once"
)
TRIAL_CLASS = re.compile(r"[\w.]+:\w+")
LAUNCH = re.compile(r"determined\.launch\.(\w+)")
LONGEST = 1_000_000
REPORTING = "report_validation_metrics"


def draft(given: Values, beside: Beside) -> Draft:
    """Errors: SweepError."""
    made = Draft("Determined")
    searcher, resources = section(given, "searcher"), section(given, "resources")
    made.named(given.get("name") or given.get("description"))
    grid = searcher.get("name") == "grid"
    for name, raw in section(given, "hyperparameters").items():
        _parameter(made, str(name), raw, grid)
    _metric(made, searcher)
    _length(made, given, searcher)
    _searcher(made, searcher)
    _entrypoint(made, given.get("entrypoint"), resources)
    if (slots := resources.get("slots_per_trial")) is not None:
        made.values["resources"] = {"cpus": 1, "gpus": slots}
        made.note("resources", "a slot of Determined's is a GPU (on agents without any: a CPU)")
    made.lost(resources, "slots_per_trial", " of resources")
    if (restarts := given.get("max_restarts")) is not None:
        made.values["retries"] = restarts
    if (seed := section(given, "reproducibility").get("experiment_seed")) is not None:
        made.values["seed"] = seed
    made.lost(given, KNOWN)
    return made


def _parameter(made: Draft, name: str, raw: Any, grid: bool) -> None:
    """A hyperparameter, or each of those within it."""
    if not isinstance(raw, Mapping):
        return made.fix(name, raw)
    kind = raw.get("type")
    if kind not in TYPES:
        if isinstance(kind, str) and {"minval", "vals", "val"} & set(raw):
            wrong(f"hyperparameters.{name}.type", f"is {kind}, and not {', '.join(TYPES)}")
        for key, inner in raw.items():
            made.nested(f"{name}.{key}")
            _parameter(made, f"{name}.{key}", inner, grid)
        return
    with about("hyperparameters", name):
        if kind == "const":
            made.fix(name, raw.get("val"))
        else:
            made.take(name, _range(kind, raw, raw.get("count") if grid else None))


def _range(kind: str, raw: Values, count: Any) -> Counterpart:
    """`count`: how many values of it a grid tries."""
    if kind == "categorical":
        return counterpart.choice(raw.get("vals"))
    low, high = (counterpart.number(raw.get(key)) for key in ("minval", "maxval"))
    if kind == "log":
        base = counterpart.number(raw.get("base", 10.0))
        if not 1 < base < 1e300 or max(abs(low), abs(high)) > 300:
            wrong("", f"takes {base:g} to the power of {low:g} to {high:g}, beyond numbers")
        low, high = (_power(base, exponent) for exponent in (low, high))
    if count is not None:
        many = min(whole_number(count) or 1, int(high - low) + 1) if kind == "int" else count
        return counterpart.listed(low, high, many, log=kind == "log", whole=kind == "int")
    ranges = {"log": counterpart.log_uniform, "int": counterpart.whole}
    return ranges.get(kind, counterpart.uniform)(low, high)


def _power(base: float, exponent: float) -> float:
    try:
        return counterpart.six(float(base) ** exponent)
    except OverflowError:
        wrong("", f"takes {base:g} to the power of {exponent:g}, beyond numbers")


def _metric(made: Draft, searcher: Values) -> None:
    if not searcher.get("metric"):
        wrong("searcher.metric", "is missing; Determined needs one too")
    smaller = searcher.get("smaller_is_better", True)
    goal = "minimize" if smaller else "maximize"
    made.values["metric"] = {"name": searcher["metric"], "goal": goal}


def _length(made: Draft, given: Values, searcher: Values) -> None:
    """How long a trial may train, in epochs: as given, or from what a batch and an epoch hold."""
    unit, length = _training(searcher)
    epochs = length if unit == "epochs" else None
    told = f"{length:,} {unit}" if length else ""
    records, batch = _records(given), whole_number(made.parameters.get("global_batch_size"))
    every, period = _span(given.get("min_validation_period"))
    if length and unit == "records" and records:
        epochs = max(round(length / records), 1)
        made.note("max_epochs", f"{told} are {epochs:,} epochs of {records:,}")
    elif length and unit == "batches" and records and batch:
        epochs = max(round(length * batch / records), 1)
        size = f"of {batch:,} records are {epochs:,} epochs of {records:,}"
        made.note("max_epochs", f"{told} {size}: report once an epoch")
    elif length and every and period == unit and every <= length:
        epochs = max(length // every, 1)
        made.note("max_epochs", f"{told}, with a report every {every:,}")
    if epochs:
        made.values["max_epochs"] = min(epochs, LONGEST)
        return
    if told:
        made.note("max_epochs", f"{told} are no number of epochs; {GUESS}")
        made.values["max_epochs"] = 27
        return
    made.lasts()


def _training(searcher: Values) -> tuple[str, int | None]:
    """The unit and the number of max_length, or of max_time, as it is called now."""
    if searcher.get("max_time") is not None:
        return str(searcher.get("time_metric", "batches")), whole_number(searcher["max_time"])
    length, unit = _span(searcher.get("max_length"))
    return unit, length


def _span(given: Any) -> tuple[int | None, str]:
    """`{batches: 100}`, or a number of batches as it once was."""
    if isinstance(given, Mapping):
        unit = next((unit for unit in UNITS if unit in given), "batches")
        return whole_number(given.get(unit)), unit
    return whole_number(given), "batches"


def _records(given: Values) -> int | None:
    return whole_number(given.get("records_per_epoch"))


def _searcher(made: Draft, searcher: Values) -> None:
    """Sampler, scheduler, trials, slots."""
    name = str(searcher.get("name", "single"))
    made.values["sampler"] = SEARCHERS.get(name, "auto")
    if name not in SEARCHERS:
        made.note("sampler", f"no counterpart: searcher {name}; auto with asha is here instead")
    elif name in ("adaptive_asha", "asha"):
        made.note("sampler", f"{name} draws at random, as `sampler: random` does; auto learns")
    trials = 1 if name == "single" else whole_number(searcher.get("max_trials"))
    if trials:
        made.values["trials"] = trials
    if most := whole_number(searcher.get("max_concurrent_trials")):
        made.values["slots"] = most
    if name in ("single", "random", "grid"):
        made.whole()
    else:
        _asha(made, searcher, name)
    made.lost(searcher, SEARCHER, " of searcher")


def _asha(made: Draft, searcher: Values, name: str) -> None:
    """Determined's rungs lie at max_length / divisor^k, for k below max_rungs."""
    eta = max(whole_number(searcher.get("divisor")) or 4, 2)
    rungs = min(whole_number(searcher.get("max_rungs")) or 5, 60)
    mode = searcher.get("mode", "standard") if name != "asha" else "aggressive"
    grace = max(round(made.values["max_epochs"] / eta ** (rungs - 1)), 1)
    form = {"form": "stopping"} if searcher.get("stop_once") else {}
    made.values["scheduler"] = {"name": "asha", "eta": eta, "grace": grace, "mode": mode, **form}


def _entrypoint(made: Draft, given: Any, resources: Values) -> None:
    if given is None:
        return made.lacks("there is no entrypoint", "command", "python train.py")
    if isinstance(given, str) and SHELL & set(given):
        with about("entrypoint"):
            return made.trains(unshelled(given), REPORTING, "determined")
    words = [str(word) for word in given] if isinstance(given, list) else _split(str(given))
    trial = next((word for word in words if TRIAL_CLASS.fullmatch(word)), None)
    if trial and (len(words) == 1 or "--trial" in words):
        what = f"{trial} is a Trial class of Determined's; move its loop into a function"
        module = trial.partition(":")[0].replace(".", "/")
        return made.lacks(f"{what}, docs/coming-from/determined.md", "train", f"{module}.py:train")
    command = joined(literal(word) for word in _unlaunched(made, words, resources))
    made.trains(command, REPORTING, "determined")


def _unlaunched(made: Draft, words: list[str], resources: Values) -> list[str]:
    """Without Determined's launcher, which is a module of its own before the program."""
    place = next((i for i, word in enumerate(words) if LAUNCH.fullmatch(word)), None)
    if place is None:
        return words
    launcher, rest = words[place], words[place + 1 :]
    rest = rest[rest.index("--") + 1 :] if "--" in rest else rest
    many = whole_number(resources.get("slots_per_trial")) or 1
    if many == 1:
        made.note("command", f"{launcher} was left out: a trial has one slot")
        return rest
    rest = rest[1:] if re.fullmatch(r"python[\d.]*", rest[0] if rest else "") else rest
    made.note(
        "command", f"torchrun takes the place of {launcher}; it was never tried on your code"
    )
    return ["torchrun", "--standalone", f"--nproc-per-node={many}", *rest]


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        wrong("entrypoint", f"cannot be read: {error}")
