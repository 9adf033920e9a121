"""Configurations of Hydra with a sweeper: Optuna's, or the basic one.

https://hydra.cc/docs/plugins/optuna_sweeper/; sweeps are text in Hydra's override grammar, such as
`tag(log, interval(1e-5, 0.1))`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import counterpart
from .commandline import placeholder
from .counterpart import Counterpart
from .draft import Beside, Draft, Values, about, section, whole_number, wrong

SAMPLERS = {
    "TPESampler": "tpe",
    "RandomSampler": "random",
    "GridSampler": "grid",
    "CmaEsSampler": "cmaes",
    "NSGAIISampler": "nsga2",
    "NSGAIIISampler": "nsga2",
    "QMCSampler": "qmc",
    "GPSampler": "gp",
    "MOTPESampler": "tpe",
}
BY_NAME = {"tpe": "tpe", "random": "random", "grid": "grid", "cmaes": "cmaes", "nsgaii": "nsga2",
           "qmc": "qmc", "motpe": "tpe", "gp": "gp"}  # fmt: skip
KNOWN = (
    "_target_ sampler direction study_name n_trials n_jobs params search_space storage "
    "max_batch_size"
)
CALL = re.compile(r"\s*(\w+)\s*\((.*)\)\s*", re.DOTALL)
DEEPEST = 20  # calls in calls


def draft(given: Values, beside: Beside) -> Draft:
    """Errors: SweepError."""
    made, sweeper = Draft("Hydra"), section(section(given, "hydra"), "sweeper")
    made.named(sweeper.get("study_name"))
    for name, raw in section(sweeper, "search_space").items():
        with about("hydra.sweeper.search_space", str(name)):
            made.take(str(name), _space(raw))
    for name, raw in section(sweeper, "params").items():
        with about("hydra.sweeper.params", str(name)):
            found = _sweep(str(raw)) if isinstance(raw, str) else counterpart.constant(raw)
            made.take(str(name).lstrip("+~"), found)
    _metrics(made, sweeper.get("direction") or "minimize")
    sampler = section(sweeper, "sampler")
    made.values["sampler"] = _sampler(sampler, given.get("defaults"))
    if isinstance(seed := sampler.get("seed"), int):
        made.values["seed"] = seed
    made.values["trials"] = whole_number(sweeper.get("n_trials")) or 20  # its default
    if (slots := whole_number(sweeper.get("n_jobs"))) and slots > 1:
        made.values["slots"] = slots
    made.values |= {"max_epochs": 1, "scheduler": "none"}
    made.note(
        "max_epochs",
        "Hydra sees one value, at the end. Report one each epoch, set max_epochs to their number "
        "and scheduler to asha: then weak trials are stopped early",
    )
    words = " ".join(f"{name}={placeholder(name)}" for name in made.parameters)
    told = "your app, with its value printed as a line of JSON, docs/coming-from/hydra.md"
    made.lacks(told, "command", f"python my_app.py {words}")
    made.lost(sweeper, KNOWN)
    return made


def _metrics(made: Draft, direction: Any) -> None:
    if not isinstance(direction, list):
        return made.unmeasured("value", str(direction).lower())
    made.values["metric"] = [
        {"name": f"values_{place}", "goal": str(goal).lower()}
        for place, goal in enumerate(direction)
    ]
    made.note("metric", "Hydra has no names for them; report them as values_0, values_1, ...")


def _sampler(sampler: Values, defaults: Any) -> str:
    """By its class, or by its name among the defaults: `override hydra/sweeper/sampler: tpe`."""
    if target := sampler.get("_target_"):
        return SAMPLERS.get(str(target).rpartition(".")[2], "auto")
    for entry in defaults if isinstance(defaults, list) else []:
        if isinstance(entry, Mapping):
            for key, value in entry.items():
                if str(key).endswith("hydra/sweeper/sampler"):
                    return BY_NAME.get(str(value), "auto")
    return "tpe"  # its default


def _space(raw: Any) -> Counterpart:
    """What stands in `search_space`, as version 1.1 had it."""
    if not isinstance(raw, Mapping):
        wrong("", f"needs a type, not {raw!r:.60}")
    if raw.get("type") == "categorical":
        return counterpart.choice(raw.get("choices"))
    low, high, step, log = (raw.get(key) for key in ("low", "high", "step", "log"))
    if raw.get("type") == "int":
        plain = log or step in (None, 1)
        return (
            counterpart.whole(low, high, bool(log))
            if plain
            else counterpart.stepped(low, high, step)
        )
    if step is not None and not log:
        return counterpart.stepped(*(float(counterpart.number(v)) for v in (low, high, step)))
    return (counterpart.log_uniform if log else counterpart.uniform)(low, high)


def _sweep(text: str, tags: frozenset[str] = frozenset(), depth: int = 0) -> Counterpart:
    """`choice(a, b)`, `range(1, 8)`, `interval(0.0, 1.0)`, or `a, b, c`, tagged or cast."""
    if depth > DEEPEST:
        wrong("", "is nested too deep")
    call = CALL.fullmatch(text)
    if not call:
        values = [_value(part) for part in _split(text)]
        return counterpart.choice(values) if len(values) > 1 else counterpart.constant(values[0])
    name, parts = call[1], _split(call[2])
    match name:
        case "tag":
            return _sweep(parts[-1], tags | {part.strip() for part in parts[:-1]}, depth + 1)
        case "int" | "float":
            return _sweep(parts[0], tags | {name}, depth + 1)
        case "shuffle" | "sort":
            return _sweep(parts[0], tags, depth + 1)
        case "choice":
            return counterpart.choice([_value(part) for part in parts])
        case "range" | "interval":
            return _between(name, parts, tags)
    wrong("", f"{name}(...) is not read here; write choice, range or interval")


def _between(name: str, parts: list[str], tags: frozenset[str]) -> Counterpart:
    given = [part.partition("=") for part in parts]
    keyed = {key.strip(): _value(value) for key, sign, value in given if sign}
    plain = [_value(key) for key, sign, _ in given if not sign]
    ends = dict(zip(("start", "stop", "step"), plain, strict=False)) | keyed
    if name == "range" and len(plain) == 1 and "stop" not in keyed:
        ends = {"start": 0, "stop": plain[0]} | keyed
    low = counterpart.number(ends.get("start", 0))
    high = counterpart.number(ends.get("stop", ends.get("end")))
    if "int" in tags:
        low, high = int(low), int(high)
    whole = isinstance(low, int) and isinstance(high, int) and "float" not in tags
    if name == "range":
        step = counterpart.number(ends.get("step", 1))
        # Its upper end is tried, too: that is Optuna's, not Python's.
        return (
            counterpart.whole(low, high)
            if whole and step == 1
            else counterpart.stepped(low, high, step)
        )
    if whole:
        return counterpart.whole(low, high, log="log" in tags)
    return (counterpart.log_uniform if "log" in tags else counterpart.uniform)(low, high)


def _split(text: str) -> list[str]:
    """At the commas that stand in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote or letter in "'\"":
            quote = "" if letter == quote else quote or letter
        depth += (letter in "([{") - (letter in ")]}") if not quote else 0
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _value(text: str) -> Any:
    """A word, a number, true or false."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if text.lower() == "null":
        return None
    try:
        return int(text) if re.fullmatch(r"[-+]?\d{1,18}", text) else float(text)
    except ValueError:
        return text
