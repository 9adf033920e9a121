"""Experiments of NNI: config.yml in both of its versions, or a search_space.json alone.

https://nni.readthedocs.io/en/stable/reference/experiment_config.html and search_space.html there
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..units import seconds
from . import counterpart
from .commandline import unshelled
from .counterpart import Counterpart
from .draft import Beside, Draft, Values, about, section, whole_number, wrong

SAMPLERS = {
    "tpe": "tpe",
    "random": "random",
    "gridsearch": "grid",
    "grid": "grid",
    "evolution": "nsga2",
    "anneal": "auto",
    "smac": "auto",
    "gp": "gp",
    "metis": "gp",
    "metistuner": "gp",
    "hyperband": "auto",
    "bohb": "auto",
}
EXACT = ("tpe", "random", "gridsearch", "grid", "gp")
# Keys of version 1, by what version 2 calls them.
OLD = {
    "searchSpacePath": "searchSpaceFile",
    "maxTrialNum": "maxTrialNumber",
    "maxExecDuration": "maxExperimentDuration",
    "trainingServicePlatform": "trainingService",
}
KNOWN = (
    "experimentName searchSpace searchSpaceFile trialCommand trial trialConcurrency "
    "trialGpuNumber maxTrialNumber maxExperimentDuration tuner assessor advisor"
)
METRIC = "default"  # what NNI calls it, in a report of several


@dataclass(frozen=True, slots=True)
class Branch:
    """A hyperparameter of a nested choice: it is used where `parent` is `value`."""

    name: str
    raw: Any
    value: str


def draft(given: Values, beside: Beside) -> Draft:
    """Errors: SweepError."""
    made = Draft("NNI")
    if any(isinstance(value, Mapping) and "_type" in value for value in given.values()):
        return _space_alone(made, given)
    given = {OLD.get(str(key), str(key)): value for key, value in given.items()}
    made.named(given.get("experimentName"))
    file = given.get("searchSpaceFile")
    space = given.get("searchSpace") or (beside(str(file)) if file else None)
    if not isinstance(space, Mapping):
        wrong("searchSpace", "is missing, and so is searchSpaceFile; NNI needs one of them")
    _parameters(made, space)
    algorithm = {key: section(given, key) for key in ("tuner", "assessor", "advisor")}
    made.unmeasured(METRIC, _goal(algorithm))
    _sampler(made, algorithm)
    _scheduler(made, algorithm)
    _command(made, given)
    _budget(made, given)
    made.lost(given, KNOWN)
    return made


def _space_alone(made: Draft, space: Values) -> Draft:
    _parameters(made, space)
    made.unmeasured(METRIC, "maximize")
    made.lasts()
    made.lacks("this is a search space alone", "command", "python train.py")
    return made


def _parameters(made: Draft, space: Values) -> None:
    for name, raw in space.items():
        _parameter(made, str(name), raw, {})


def _parameter(made: Draft, name: str, raw: Any, when: Mapping[str, Any]) -> None:
    if not isinstance(raw, Mapping) or "_type" not in raw:
        wrong(f"searchSpace.{name}", f"needs _type and _value, not {raw!r:.60}")
    kind, value = raw["_type"], raw.get("_value")
    if kind == "choice" and isinstance(value, list) and any(map(_nested, value)):
        return _choice_of_spaces(made, name, value, when)
    with about("searchSpace", name):
        made.take(name, _one(str(kind), value), when)


def _one(kind: str, value: Any) -> Counterpart:
    if kind == "choice":
        return counterpart.choice(value)
    if not isinstance(value, list):
        wrong("_value", f"must be a list, not {value!r:.60}")
    if kind == "randint":
        if len(value) not in (1, 2):
            wrong("_value", f"randint takes one number or two, not {len(value)}")
        low, high = value if len(value) == 2 else (0, *value)
        return counterpart.whole(low, counterpart.number(high) - 1)
    plain = kind.removeprefix("q")
    wanted = 3 if kind.startswith("q") else 2
    if len(value) != wanted:
        wrong("_value", f"{kind} takes {wanted} numbers, not {len(value)}")
    match plain, kind.startswith("q"):
        case "uniform", False:
            return counterpart.uniform(*value)
        case "uniform", True:
            return counterpart.rounded(*value)
        case "loguniform", False:
            return counterpart.log_uniform(*value)
        case "loguniform", True:
            return counterpart.log_rounded(*value)
        case (("normal" | "lognormal"), _):
            mu, sigma, *q = value
            return counterpart.normal(mu, sigma, log=plain[0] == "l", q=q[0] if q else None)
    wrong("_type", f"{kind} is none of NNI's: choice, randint, uniform, quniform, loguniform, ...")


def _nested(value: Any) -> bool:
    return isinstance(value, Mapping) and "_name" in value


def _choice_of_spaces(made: Draft, name: str, values: list[Any], when: Mapping[str, Any]) -> None:
    """A choice, each value of which has hyperparameters of its own."""
    words = [value["_name"] if _nested(value) else value for value in values]
    made.take(name, counterpart.choice(words), when)
    found = list(_branches(values))
    if found:
        made.note(
            f"parameters.{name}",
            f"a word alone now; what was nested in it is {name}.{found[0].name} and so on",
        )
    for inner in dict.fromkeys(branch.name for branch in found):
        branches = [branch for branch in found if branch.name == inner]
        if all(branch.raw == branches[0].raw for branch in branches):
            wanted = [branch.value for branch in branches]
            only = wanted[0] if len(wanted) == 1 else wanted
            _parameter(made, f"{name}.{inner}", branches[0].raw, {name: only})
            continue
        for branch in branches:
            _parameter(made, f"{name}.{branch.value}.{inner}", branch.raw, {name: branch.value})


def _branches(values: list[Any]) -> Iterator[Branch]:
    for value in values:
        if _nested(value):
            inner = {str(key): raw for key, raw in value.items() if key != "_name"}
            yield from (Branch(key, raw, str(value["_name"])) for key, raw in inner.items())


def _named(algorithm: Values) -> str:
    """Of version 2, version 1 or a user's own."""
    names = ("name", "builtinTunerName", "builtinAssessorName", "builtinAdvisorName", "className")
    return str(next((algorithm[key] for key in names if algorithm.get(key)), "")).lower()


def _goal(algorithm: Mapping[str, Values]) -> str:
    modes = [section(part, "classArgs").get("optimize_mode") for part in algorithm.values()]
    return "minimize" if "minimize" in modes else "maximize"  # NNI's own default


def _sampler(made: Draft, algorithm: Mapping[str, Values]) -> None:
    name = _named(algorithm["tuner"]) or _named(algorithm["advisor"])
    made.values["sampler"] = SAMPLERS.get(name, "auto")
    if name and name not in SAMPLERS:
        made.note("sampler", f"no counterpart: {name}; auto is here instead")
    elif name and name not in EXACT:
        made.note("sampler", f"{name} has no exact counterpart; this is the nearest")
    given = section(algorithm["tuner"], "classArgs")
    made.lost(given, "optimize_mode", " of the tuner")


def _scheduler(made: Draft, algorithm: Mapping[str, Values]) -> None:
    advisor, assessor = algorithm["advisor"], algorithm["assessor"]
    given = section(advisor or assessor, "classArgs")
    name = _named(advisor) or _named(assessor)
    if name in ("hyperband", "bohb"):
        most = whole_number(given.get("R") or given.get("max_budget")) or 60
        made.values["max_epochs"] = most
        eta = max(whole_number(given.get("eta")) or 3, 2)
        made.values["scheduler"] = {"name": "hyperband", "eta": eta}
        made.note(
            "max_epochs",
            "NNI's R (or max_budget); a program is not given TRIAL_BUDGET: it "
            "trains on until it is told to stop",
        )
        made.lost(given, "optimize_mode R eta max_budget", " of the advisor")
        return
    made.lasts()
    if not name:
        return made.whole()
    start = min(whole_number(given.get("start_step")) or 1, made.values["max_epochs"])
    made.values["scheduler"] = {"name": "median", "grace": start}
    if name != "medianstop":
        made.note("scheduler", f"no counterpart: {name}; median is the nearest")
    made.lost(given, "optimize_mode start_step", " of the assessor")


def _command(made: Draft, given: Values) -> None:
    old = section(given, "trial")
    command = given.get("trialCommand") or old.get("command")
    if not command:
        return made.lacks("there is no trialCommand", "command", "python train.py")
    with about("trialCommand"):
        line = unshelled(str(command))
    made.trains(line, "nni.report_intermediate_result", "nni")
    made.note(
        "command", "nni.get_next_parameter() is json.load(open(os.environ['NIGHTSWEEP_CONFIG']))"
    )
    made.lost(old, "command codeDir gpuNum", " of trial")
    gpus = given.get("trialGpuNumber", old.get("gpuNum"))
    if gpus:
        made.values["resources"] = {"cpus": 1, "gpus": gpus}


def _budget(made: Draft, given: Values) -> None:
    if most := whole_number(given.get("maxTrialNumber")):
        made.values["trials"] = most
    if slots := whole_number(given.get("trialConcurrency")):
        made.values["slots"] = slots
    if (longest := given.get("maxExperimentDuration")) is None:
        return
    with about("maxExperimentDuration"):
        made.values["time"] = _duration(longest)


def _duration(given: Any) -> str:
    """A text as it is, a number in seconds. Errors: SweepError."""
    if not isinstance(given, str):
        return f"{counterpart.number(given)}s"
    try:
        seconds(given)
    except ValueError as error:
        wrong("", str(error))
    return given
