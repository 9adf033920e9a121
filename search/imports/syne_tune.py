"""Searches of Syne Tune: a Python program with a config_space, read and never run; or the space as
JSON, of `config_space_to_json_dict`.

https://syne-tune.readthedocs.io/en/latest/search_space.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import counterpart
from .commandline import joined, literal, placeholder
from .counterpart import Counterpart
from .draft import Beside, Draft, Values, about, section, whole_number, wrong
from .literals import Call, calls, mappings

# What each of their schedulers is here: sampler, scheduler.
SCHEDULERS = {
    "ASHA": ("random", "asha"),
    "AsynchronousHyperband": ("random", "asha"),
    "HyperbandScheduler": ("auto", "asha"),
    "SyncHyperband": ("random", "hyperband"),
    "SynchronousGeometricHyperbandScheduler": ("auto", "hyperband"),
    "SyncBOHB": ("tpe", "hyperband"),
    "BOHB": ("tpe", "hyperband"),
    "DEHB": ("auto", "hyperband"),
    "MOBSTER": ("gp", "asha"),
    "SyncMOBSTER": ("gp", "hyperband"),
    "HyperTune": ("gp", "hyperband"),
    "ASHABORE": ("tpe", "asha"),
    "ASHACTS": ("auto", "asha"),
    "ASHACQR": ("auto", "asha"),
    "MedianStoppingRule": ("auto", "median"),
    "FIFOScheduler": ("auto", "none"),
    "RandomSearch": ("random", "none"),
    "GridSearch": ("grid", "none"),
    "BayesianOptimization": ("gp", "none"),
    "KDE": ("tpe", "none"),
    "TPE": ("tpe", "none"),
    "BORE": ("tpe", "none"),
    "CQR": ("auto", "none"),
    "REA": ("nsga2", "none"),
    "BoTorch": ("gp", "none"),
    "PopulationBasedTraining": ("auto", "asha"),
}
EXACT = ("ASHA", "RandomSearch", "GridSearch", "BayesianOptimization", "SyncHyperband")
SPACES = ("config_space", "search_space")
MOST = ("max_resource_level", "max_t")

BOUNDS = ("lower", "upper")
NEEDED = frozenset((*BOUNDS, "q", "size", "categories"))
DOMAINS: dict[str, tuple[str, ...]] = {
    "uniform": BOUNDS,
    "loguniform": BOUNDS,
    "reverseloguniform": BOUNDS,
    "randint": BOUNDS,
    "lograndint": BOUNDS,
    "quniform": (*BOUNDS, "q"),
    "qloguniform": (*BOUNDS, "q"),
    "qrandint": (*BOUNDS, "q"),
    "qlograndint": (*BOUNDS, "q"),
    "finrange": (*BOUNDS, "size", "cast_int"),
    "logfinrange": (*BOUNDS, "size", "cast_int"),
    "choice": ("categories",),
    "ordinal": ("categories", "kind"),
    "logordinal": ("categories",),
}


def draft(given: Values, beside: Beside) -> Draft:
    """The space as JSON. Errors: SweepError."""
    made = Draft("Syne Tune")
    for name, raw in given.items():
        with about(str(name)):
            if isinstance(raw, Mapping) and "domain_cls" in raw:
                made.take(str(name), _domain(raw))
            else:
                made.fix(str(name), raw)
    made.values["metric"] = {"name": "val_loss", "goal": "minimize"}
    made.note("metric", "a space names none; put in what your program reports")
    made.lasts()
    _lacks(made, "this is a search space alone")
    return made


def of_program(text: str) -> Draft:
    """The program that starts a search. Errors: SweepError."""
    made, space = Draft("Syne Tune"), _config_space(text)
    found = list(calls(text))
    for name, value in space.items():
        with about("config_space", name):
            if isinstance(value, Call):
                made.take(name, _one(value))
            else:
                made.fix(name, value)
    by_name = {call.name: call for call in found}
    chosen = next((call for call in found if call.name in SCHEDULERS), None)
    _scheduler(made, chosen)
    stop, tuner = by_name.get("StoppingCriterion"), by_name.get("Tuner")
    _budget(made, stop.named if stop else {}, tuner.named if tuner else {})
    _program(made, next((call for call in found if "entry_point" in call.named), None))
    return made


def _config_space(text: str) -> dict[str, Any]:
    """The mapping with that name, or the one in which most is searched."""
    found = {
        name: mapping
        for name, mapping in mappings(text).items()
        if any(isinstance(value, Call) for value in mapping.values())
    }
    for name in SPACES:
        if name in found:
            return found[name]
    spaces = [m for m in found.values() if any(_known(value) for value in m.values())]
    if not spaces:
        wrong(
            "",
            "holds no config_space of Syne Tune's, a mapping with values such as "
            "loguniform(1e-6, 1.0)",
        )
    return max(spaces, key=len)


def _known(value: Any) -> bool:
    return isinstance(value, Call) and value.name in DOMAINS


def _one(call: Call) -> Counterpart:
    if call.name not in DOMAINS:
        wrong("", f"{call.name} cannot be read without running it; write a range, or its value")
    given = dict(zip(DOMAINS[call.name], call.args, strict=False)) | dict(call.named)
    for name in NEEDED.intersection(DOMAINS[call.name]):
        if name not in given or _unread(given[name]):
            wrong("", f"the {name} of {call.name} cannot be read without running it")
    return _made(call.name, given)


def _unread(value: Any) -> bool:
    """Whether there is a call in it, which would have to be run."""
    if isinstance(value, list):
        return any(map(_unread, value))
    return isinstance(value, Call)


def _made(kind: str, given: Mapping[str, Any]) -> Counterpart:
    if kind in ("choice", "ordinal", "logordinal"):
        return counterpart.choice(given["categories"])
    low, high = given["lower"], given["upper"]
    match kind:
        case "uniform":
            return counterpart.uniform(low, high)
        case "loguniform":
            return counterpart.log_uniform(low, high)
        case "reverseloguniform":
            found = counterpart.uniform(low, high).value
            return Counterpart(found, "was drawn near its upper end; now from the whole range")
        case "randint" | "lograndint":
            return counterpart.whole(low, high, log=kind[0] == "l")
        case "quniform" | "qrandint":
            return counterpart.rounded(low, high, given["q"])
        case "qloguniform" | "qlograndint":
            return counterpart.log_rounded(low, high, given["q"])
    whole = bool(given.get("cast_int"))
    return counterpart.listed(low, high, given["size"], log=kind[0] == "l", whole=whole)


def _domain(raw: Values) -> Counterpart:
    """As JSON: a class, what it is made with, and how values are drawn."""
    given = section(raw, "domain_kwargs")
    log = "log" in str(raw.get("sampler_cls", "")).lower() or given.get("log_scale")
    kinds = {
        "Float": "loguniform" if log else "uniform",
        "Integer": "lograndint" if log else "randint",
        "FiniteRange": "logfinrange" if log else "finrange",
        "Categorical": "choice",
        "Ordinal": "ordinal",
        "OrdinalNearestNeighbor": "ordinal",
    }
    kind = kinds.get(str(raw["domain_cls"]))
    if kind is None:
        wrong("domain_cls", f"{raw['domain_cls']} is none that is known here")
    return _one(
        Call(kind, (), {key: value for key, value in given.items() if key in DOMAINS[kind]})
    )


def _scheduler(made: Draft, call: Call | None) -> None:
    """Metric, sampler, scheduler, and how long a trial may train."""
    given = call.named if call else {}
    listed = given.get("metrics")
    names = listed if isinstance(listed, list) else [given.get("metric")]
    name = next((name for name in names if isinstance(name, str) and name), None)
    largest = given.get("mode") == "max" or given.get("do_minimize") is False
    goal = "maximize" if largest else "minimize"
    made.values["metric"] = {"name": name or "val_loss", "goal": goal}
    if not name:
        made.note("metric", "none was found; put in what your program reports")
    elif len(names) > 1:
        others = ", ".join(map(str, names[1:]))
        made.note("metric", f"there were several; add {others}: docs/sweep-file.md")
    level = next((given[key] for key in MOST if key in given), None)
    if level is None:
        level = made.parameters.get(str(given.get("max_resource_attr")))
    if most := whole_number(level):
        made.values["max_epochs"] = most
    made.lasts()
    sampler, kind = SCHEDULERS[call.name] if call else ("auto", "none")
    made.values["sampler"] = sampler
    if call and call.name not in EXACT:
        made.note("sampler", f"the nearest to {call.name}")
    if isinstance(seed := given.get("random_seed"), int) and seed >= 0:
        made.values["seed"] = seed
    if kind == "none":
        return made.whole()
    settings: dict[str, Any] = {"name": kind}
    made.values["scheduler"] = settings
    grace = whole_number(given.get("grace_period")) or 1
    settings["grace"] = min(grace, made.values["max_epochs"])
    if kind == "median":
        return
    settings["eta"] = max(whole_number(given.get("reduction_factor")) or 3, 2)
    if kind == "asha" and given.get("type", "stopping") == "stopping":
        settings["form"] = "stopping"


def _budget(made: Draft, stop: Mapping[str, Any], tuner: Mapping[str, Any]) -> None:
    if isinstance(limit := stop.get("max_wallclock_time"), int | float) and limit > 0:
        made.values["time"] = f"{limit:g}s" if limit < 100_000 else f"{limit / 3600:g}h"
    counts = ("max_num_trials_started", "max_num_trials_finished", "max_num_trials_completed")
    if trials := next((n for key in counts if (n := whole_number(stop.get(key)))), None):
        made.values["trials"] = trials
    if slots := whole_number(tuner.get("n_workers")):
        made.values["slots"] = slots
    made.lost(stop, " ".join((*counts, "max_wallclock_time")), " of StoppingCriterion")


def _program(made: Draft, backend: Call | None) -> None:
    path = backend.named["entry_point"] if backend else None
    if not isinstance(path, str):
        return _lacks(made, "no entry_point was found that can be read")
    command = joined(["python", literal(path), *_options(made)])
    made.trains(command, "a call of Reporter", "syne-tune")


def _lacks(made: Draft, what: str) -> None:
    made.lacks(what, "command", " ".join(["python train.py", *_options(made)]))


def _options(made: Draft) -> list[str]:
    return [f"--{name}={placeholder(name)}" for name in made.parameters]
