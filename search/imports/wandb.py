"""Sweeps of Weights & Biases: https://docs.wandb.ai/models/sweeps/sweep-config-keys"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from . import counterpart
from .commandline import joined, literal, placeholder
from .counterpart import Counterpart, six
from .draft import Beside, Draft, Values, about, section, several, whole_number, wrong

METHODS = {"bayes": "auto", "random": "random", "grid": "grid"}
COMMAND = ["${env}", "${interpreter}", "${program}", "${args}"]
KNOWN = "program command method metric name parameters run_cap early_terminate"
MACRO = re.compile(r"\$\{([^}]*)\}")


def draft(given: Values, beside: Beside) -> Draft:
    """Errors: SweepError."""
    made = Draft("W&B")
    made.named(given.get("name"))
    _metric(made, section(given, "metric"))
    for name, found, nested in _parameters(section(given, "parameters"), ""):
        made.take(name, found)
        if nested:
            made.nested(name)
    _command(made, given)
    method = str(given.get("method"))
    made.values["sampler"] = METHODS.get(method, "auto")
    if method == "bayes":
        made.note("sampler", "bayes, a Gaussian process: auto takes one as a rule")
    elif method not in METHODS:
        made.note("sampler", f"no counterpart: method {method}")
    cap = whole_number(given.get("run_cap"))
    if cap:
        made.values["trials"] = cap
    elif method != "grid":
        made.values["trials"] = 60
        made.note("trials", "there was no run_cap: without an end, the sweep has 60 here")
    _stopping(made, section(given, "early_terminate"))
    made.lost(given, KNOWN)
    return made


def _metric(made: Draft, metric: Values) -> None:
    if not metric.get("name"):
        made.values["metric"] = {"name": "val_loss", "goal": "minimize"}
        made.note("metric", "none was named; put in what your program reports")
        return
    made.values["metric"] = {"name": metric["name"], "goal": metric.get("goal", "minimize")}
    if metric.get("target") is not None:
        made.values["target"] = metric["target"]


def _parameters(given: Values, path: str) -> Iterator[tuple[str, Counterpart, bool]]:
    """Each parameter, and those within others: name, what it becomes, whether it was nested."""
    for key, raw in given.items():
        name = f"{path}{key}"
        if not isinstance(raw, Mapping):
            wrong(f"parameters.{name}", f"needs min and max, values or value, not {raw!r:.60}")
        if isinstance(raw.get("parameters"), Mapping):
            yield from _parameters(raw["parameters"], f"{name}.")
            continue
        with about("parameters", name):
            yield name, _one(raw), bool(path)


def _one(raw: Values) -> Counterpart:
    kind, bounds = _distribution(raw), (raw.get("min", 0), raw.get("max", 1))
    mu, sigma, q = raw.get("mu", 0), raw.get("sigma", 1), raw.get("q", 1)
    match kind:
        case "constant":
            return counterpart.constant(raw.get("value"))
        case "categorical" | "categorical_w_probabilities":
            found = counterpart.choice(raw.get("values"))
            note = "probabilities: all values are drawn alike" if raw.get("probabilities") else ""
            return Counterpart(found.value, note or found.note)
        case "int_uniform":
            return counterpart.whole(*bounds)
        case "uniform":
            return counterpart.uniform(*bounds)
        case "q_uniform":
            return counterpart.rounded(*bounds, q)
        case "log_uniform_values":
            return counterpart.log_uniform(*bounds)
        case "log_uniform":
            return counterpart.log_uniform(*_exponentials(bounds))
        case "q_log_uniform_values":
            return counterpart.log_rounded(*bounds, q)
        case "q_log_uniform":
            return counterpart.log_rounded(*_exponentials(bounds), q)
        case "inv_log_uniform_values":  # uniform in log(1/x), and so in log(x)
            return counterpart.log_uniform(*bounds)
        case "inv_log_uniform":
            return counterpart.log_uniform(*(six(1 / end) for end in _exponentials(bounds)[::-1]))
        case "normal" | "q_normal":
            return counterpart.normal(mu, sigma, q=q if kind[0] == "q" else None)
        case "log_normal" | "q_log_normal":
            return counterpart.normal(mu, sigma, log=True, q=q if kind[0] == "q" else None)
    wrong("distribution", f"{kind} is none that is known here; write min and max, or values")


def _distribution(raw: Values) -> str:
    """Its distribution; where none is named, W&B goes by the keys."""
    if raw.get("distribution"):
        return str(raw["distribution"])
    if "values" in raw:
        return "categorical"
    if "min" in raw and "max" in raw:
        whole = all(isinstance(counterpart.number(raw[end]), int) for end in ("min", "max"))
        return "int_uniform" if whole else "uniform"
    if "mu" in raw or "sigma" in raw:
        return "normal"
    if "value" in raw:
        return "constant"
    wrong("", "needs min and max, values or value")


def _exponentials(bounds: tuple[Any, Any]) -> tuple[float, float]:
    """Bounds of which only the exponents are given, to the base e."""
    low, high = (counterpart.number(bound) for bound in bounds)
    if max(abs(low), abs(high)) > 300:
        wrong("", f"means e^{low:g} to e^{high:g}; for bounds as they are: log_uniform_values")
    return six(math.exp(low)), six(math.exp(high))


def _command(made: Draft, given: Values) -> None:
    words = [str(word) for word in several(given, "command") or COMMAND]
    if not given.get("program") and any("${program}" in word for word in words):
        options = " ".join(_word(made, "${args}", ""))
        return made.lacks("it names no program", "command", f"python train.py {options}")
    program = str(given.get("program", ""))
    parts = [part for word in words for part in _word(made, word, program)]
    made.trains(joined(parts), "wandb.log", "wandb")


def _word(made: Draft, word: str, program: str) -> list[str]:
    """What becomes of one word of the command."""
    names = list(made.parameters)
    match word:
        case "${env}":
            return []
        case "${args}" | "${args_no_boolean_flags}":
            _true(made, word)
            return [f"--{name}={placeholder(name)}" for name in names]
        case "${args_no_hyphens}":
            _true(made, word)
            return [f"{name}={placeholder(name)}" for name in names]
        case "${args_json_file}":
            return ["{config}"]
        case "${args_json}":
            made.note("command", "args_json: {config} is the path of a file that holds the JSON")
            return ["{config}"]
    known = {"interpreter": "python", "program": program}
    for macro in MACRO.findall(word):
        if macro not in known:
            made.note("command", f"no counterpart: ${{{macro}}}; put in what it stood for")
    pieces = MACRO.split(word)  # text, macro, text, macro, text
    return [
        "".join(literal(known.get(p, f"${{{p}}}") if i % 2 else p) for i, p in enumerate(pieces))
    ]


def _true(made: Draft, word: str) -> None:
    """Say how true and false come to the program, where it may get any."""
    given = made.parameters.values()
    several = [
        value.get("values", []) if isinstance(value, Mapping) else [value] for value in given
    ]
    if not any(isinstance(value, bool) for values in several for value in values):
        return
    was = "as a flag, or not at all" if word == "${args_no_boolean_flags}" else "as True and False"
    made.note("command", f"true and false are passed on as these words; W&B has them {was}")


def _stopping(made: Draft, early: Values) -> None:
    """Hyperband: brackets at min_iter x eta^k, or at max_iter / eta^k; 1/eta of each go on."""
    if not early:
        made.lasts()
        return made.whole()
    eta = whole_number(early.get("eta", 3)) or 3
    first, most, s = (whole_number(early.get(key)) for key in ("min_iter", "max_iter", "s"))
    if most:
        made.values["max_epochs"] = most
        grace = max(round(most / eta ** min(s or 2, 60)), 1)
    else:
        made.lasts()
        grace = min(first or 1, made.values["max_epochs"])
    made.values["scheduler"] = {
        "name": "asha",
        "eta": max(eta, 2),
        "grace": grace,
        "form": "stopping",
    }
    made.note(
        "scheduler",
        "W&B's hyperband ends who is not among the best 1/eta, as form: stopping does; without "
        "form they wait, and some go on (where your program keeps a checkpoint)",
    )
    made.lost(early, "type eta min_iter max_iter s", " of early_terminate")
