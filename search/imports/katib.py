"""Experiments of Katib, of Kubeflow: https://www.kubeflow.org/docs/components/katib/"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from . import counterpart
from .commandline import joined, literal, placeholder
from .counterpart import Counterpart
from .draft import Beside, Draft, Values, about, section, several, whole_number, wrong

SAMPLERS = {
    "random": "random",
    "grid": "grid",
    "tpe": "tpe",
    "multivariate-tpe": "tpe",
    "bayesianoptimization": "gp",
    "cmaes": "cmaes",
    "sobol": "qmc",
    "hyperband": "auto",
}
KNOWN = (
    "objective algorithm earlyStopping parallelTrialCount maxTrialCount parameters trialTemplate "
    "maxFailedTrialCount"
)
TRIAL = re.compile(r"\$\{(trialParameters|trialSpec)\.([^}]+)\}")


def draft(given: Values, beside: Beside) -> Draft:
    """Errors: SweepError."""
    made, spec = Draft("Katib"), section(given, "spec")
    made.named(section(given, "metadata").get("name"))
    for place, raw in enumerate(several(spec, "parameters")):
        if not isinstance(raw, Mapping) or not raw.get("name"):
            wrong(f"spec.parameters.{place}", "needs a name, a parameterType and a feasibleSpace")
        with about("spec", "parameters", str(raw["name"])):
            made.take(_bare(raw["name"]), _one(raw))
    _objective(made, section(spec, "objective"))
    algorithm, settings = _algorithm(spec, "algorithm")
    made.values["sampler"] = SAMPLERS.get(algorithm, "auto")
    if algorithm not in SAMPLERS:
        made.note("sampler", f"no counterpart: algorithm {algorithm}; auto is here instead")
    _stopping(made, spec, algorithm, settings)
    if trials := whole_number(spec.get("maxTrialCount")):
        made.values["trials"] = trials
    made.values["slots"] = whole_number(spec.get("parallelTrialCount")) or 3  # Katib's default
    _container(made, section(spec, "trialTemplate"))
    if spec.get("maxFailedTrialCount"):
        made.note("", "no counterpart: maxFailedTrialCount; failures alike end a sweep early")
    made.lost(spec, KNOWN)
    return made


def _bare(name: object) -> str:
    """Katib's older examples call a parameter as its option: --lr."""
    return str(name).lstrip("-") or str(name)


def _one(raw: Values) -> Counterpart:
    space, kind = section(raw, "feasibleSpace"), raw.get("parameterType")
    if kind in ("categorical", "discrete") or space.get("list"):
        values = space.get("list")
        if kind != "categorical" and isinstance(values, list):
            values = [counterpart.number(value) for value in values]
        return counterpart.choice(values)
    if kind not in ("int", "double"):
        wrong("parameterType", f"must be int, double, discrete or categorical, not {kind}")
    low, high, step = (space.get(key) for key in ("min", "max", "step"))
    how = str(space.get("distribution", "uniform")).lower()
    if how in ("normal", "lognormal"):
        return _bell(counterpart.number(low), counterpart.number(high), log=how[0] == "l")
    if step is not None and how == "uniform":
        return counterpart.stepped(*(_float(kind, value) for value in (low, high, step)))
    if how not in ("uniform", "loguniform"):
        wrong("feasibleSpace.distribution", f"{how} is none of Katib's")
    log = how == "loguniform"
    if kind == "int":
        return counterpart.whole(low, high, log=log)
    return (counterpart.log_uniform if log else counterpart.uniform)(low, high)


def _float(kind: Any, value: Any) -> float:
    found = counterpart.number(value)
    return found if kind == "int" else float(found)


def _bell(low: float, high: float, *, log: bool) -> Counterpart:
    """Katib gives a bell by its ends."""
    found = (counterpart.log_uniform if log else counterpart.uniform)(low, high)
    return Counterpart(found.value, "was drawn near the middle; now from the whole range")


def _objective(made: Draft, objective: Values) -> None:
    name = objective.get("objectiveMetricName")
    if not name:
        wrong("spec.objective.objectiveMetricName", "is missing; Katib needs one too")
    made.values["metric"] = {"name": name, "goal": objective.get("type", "maximize")}
    if objective.get("goal") is not None:
        made.values["target"] = counterpart.number(objective["goal"])


def _algorithm(spec: Values, key: str) -> tuple[str, dict[str, Any]]:
    """Its name, and its settings, which Katib has as a list of names and values."""
    found = section(spec, key)
    listed = several(found, "algorithmSettings")
    settings = {
        str(one.get("name")): one.get("value") for one in listed if isinstance(one, Mapping)
    }
    return str(found.get("algorithmName", "")), settings


def _stopping(made: Draft, spec: Values, algorithm: str, settings: Mapping[str, Any]) -> None:
    early, rules = _algorithm(spec, "earlyStopping")
    if algorithm == "hyperband":
        if most := whole_number(settings.get("r_l")):
            made.values["max_epochs"] = most
        made.lasts()
        eta = max(whole_number(settings.get("eta")) or 3, 2)
        made.values["scheduler"] = {"name": "hyperband", "eta": eta}
        if resource := settings.get("resource_name"):
            made.note(
                "max_epochs",
                f"Katib's r_l; it set {resource}, which is no need here: a "
                "trial trains on until it is told to stop",
            )
        made.lost(settings, "r_l eta resource_name", " of hyperband")
        return
    made.lasts()
    made.lost(settings, "", f" of {algorithm}")
    if not early:
        return made.whole()
    grace = min(whole_number(rules.get("start_step")) or 4, made.values["max_epochs"])
    trials = whole_number(rules.get("min_trials_required")) or 3
    made.values["scheduler"] = {"name": "median", "grace": grace, "min_trials": trials}
    if early != "medianstop":
        made.note("scheduler", f"no counterpart: {early}; median is the nearest")


def _container(made: Draft, template: Values) -> None:
    """The command of the primary container, its image and its resources."""
    containers = list(_containers(template.get("trialSpec")))
    wanted = template.get("primaryContainerName")
    container = next((c for c in containers if c.get("name") == wanted), None)
    container = container or next(iter(containers), None)
    words = [*_words(container, "command"), *_words(container, "args")] if container else []
    if container is None or not words:
        options = " ".join(f"--{name}={placeholder(name)}" for name in made.parameters)
        told = "no container with a command was found"
        return made.lacks(told, "command", f"python train.py {options}")
    names = {
        str(one.get("name")): _bare(one.get("reference", one.get("name")))
        for one in several(template, "trialParameters")
        if isinstance(one, Mapping)
    }
    command = joined(_word(made, word, names) for word in words)
    made.trains(command, "what Katib's collector read", "katib")
    made.note(
        "command", f"it ran in the image {container.get('image')}, here where nightsweep does"
    )
    _resources(made, section(section(container, "resources"), "limits"))


def _containers(given: Any) -> Iterator[Values]:
    """Those of a Job, a PyTorchJob or whatever else, wherever they stand."""
    if isinstance(given, Mapping):
        found = given.get("containers")
        if isinstance(found, list):
            yield from (one for one in found if isinstance(one, Mapping))
        for value in given.values():
            yield from _containers(value)
    elif isinstance(given, list):
        for value in given:
            yield from _containers(value)


def _words(container: Values, key: str) -> list[str]:
    found = container.get(key) or []
    return [str(word) for word in found] if isinstance(found, list) else [str(found)]


def _word(made: Draft, word: str, names: Mapping[str, str]) -> str:
    """A word of the command, with our placeholders for Katib's."""
    found, end = "", 0
    for match in TRIAL.finditer(word):
        kind, name = match.groups()
        ours = names.get(name, name) if kind == "trialParameters" else "trial"
        if kind == "trialParameters" and ours not in made.parameters:
            wrong("spec.trialTemplate", f"{match[0]} names no parameter")
        found += literal(word[end : match.start()]) + placeholder(ours)
        end = match.end()
    return found + literal(word[end:])


def _resources(made: Draft, limits: Values) -> None:
    gpus = next((limits[key] for key in limits if str(key).endswith("/gpu")), None)
    cpus = str(limits.get("cpu", "1"))
    number = counterpart.number(cpus.removesuffix("m"))
    made.values["resources"] = {
        "cpus": number / 1000 if cpus.endswith("m") else number,
        "gpus": counterpart.number(gpus) if gpus is not None else 0,
    }
    if limits.get("memory"):
        made.note("resources", f"no counterpart: a limit of {limits['memory']} memory for a trial")
