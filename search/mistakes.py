"""What is wrong with a sweep, in our words: pydantic's errors as problems that name the key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .brief import brief
from .errors import Problem
from .keeping import Checkpoints
from .nearest import did_you_mean
from .objective import Metric
from .ready import ReadySettings
from .ready.rows import Settings
from .resources import Resources
from .samplers import SamplerSettings
from .schedulers import SchedulerSettings
from .sites import SITES, Submit
from .space import Choice, Float, Int


def mistakes(
    error: ValidationError, root: type[BaseModel], values: Mapping[str, Any]
) -> list[Problem]:
    """Every mistake that pydantic found in `values`, given for the model `root`."""
    found = [_problem(details, root) for details in error.errors()]
    if not isinstance(values.get("metric"), list | tuple):  # one is not counted
        found = [replace(problem, key=_uncounted(problem.key)) for problem in found]
    return found


def unwritable(value: Any, key: tuple[str | int, ...] = ()) -> Iterator[Problem]:
    """What no file can hold: whole numbers beyond 64 bits, and halves of characters."""
    match value:
        case int() if not -(2**63) <= value < 2**63:
            yield Problem(key=key, message=f"{brief(value)} is beyond integers of 64 bits")
        case str() if value.encode("utf-8", "replace").decode() != value:
            yield Problem(key=key, message=f"{brief(value)} is no text that can be written")
        case dict():
            for name, inner in value.items():
                yield from unwritable(name, key)
                yield from unwritable(inner, (*key, name))
        case list() | tuple():
            for index, inner in enumerate(value):
                yield from unwritable(inner, (*key, index))


def _problem(details: ErrorDetails, root: type[BaseModel]) -> Problem:
    """One of pydantic's errors in our words."""
    key = _untagged(details["loc"])
    given = details["input"]
    context = details.get("ctx") or {}
    match details["type"]:
        case "parameter":
            return Problem(key=(*key, context["key"]), message=context["message"])
        case "extra_forbidden":
            return Problem(key=key, message=_unknown(details["loc"], root))
        case "missing":
            hint = EXAMPLES.get(key) or (BOUNDS if key[0] == "parameters" else "")
            return Problem(key=key, message=f"is missing{hint}")
        case "union_tag_invalid" | "union_tag_not_found":
            return Problem(key=key, message=_unknown_name(str(key[0]), given))
        case "literal_error":
            allowed = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
            near = did_you_mean(given, allowed)
            return Problem(key=key, message=f"{brief(given)} is not one of {near}")
        case "int_type" | "int_from_float" | "int_parsing":
            return Problem(key=key, message=f"must be a whole number, not {brief(given)}")
        case "float_type" | "float_parsing":
            return Problem(key=key, message=f"must be a number, not {brief(given)}")
        case "dict_type" | "model_type" | "model_attributes_type":
            return Problem(
                key=key, message=f"must be a mapping, such as {{a: 1}}, not {brief(given)}"
            )
        case "list_type":
            return Problem(key=key, message=f"must be a list, such as [1, 2], not {brief(given)}")
        case "bool_type" | "bool_parsing":
            return Problem(key=key, message=f"must be true or false, not {brief(given)}")
        case "string_type":
            return Problem(key=key, message=f"must be text, not {brief(given)}")
        case "string_too_short":
            return Problem(key=key, message="is empty; write a word")
        case "string_too_long":
            longest = context["max_length"]
            return Problem(key=key, message=f"has {len(given)} letters; {longest} at most")
        case "too_short":
            return Problem(key=key, message="is empty; name at least one")
        case "greater_than_equal":
            return Problem(
                key=key, message=f"must be at least {_number(context['ge'])}, not {brief(given)}"
            )
        case "less_than_equal":
            return Problem(
                key=key, message=f"must be at most {_number(context['le'])}, not {brief(given)}"
            )
        case "string_pattern_mismatch":
            return Problem(
                key=key, message=f"may hold letters, digits, dot, dash and _, not {brief(given)}"
            )
        case "value_error":
            return Problem(key=key, message=str(context["error"]))
    return Problem(key=key, message=f"{details['msg']}, not {brief(given)}")


def _number(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


def _untagged(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The path as the file has it: pydantic adds which kind of parameter or sampler it took."""
    places = {"parameters": 2, "resources": 2, "sampler": 1, "scheduler": 1, "trainable": 1}
    place = places.get(str(path[0]) if path else "", 0)
    return (*path[:place], *path[place + 1 :]) if place else path


def _uncounted(key: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The key in a metric that stands alone, not in a list."""
    return key[:1] + key[2:] if key[:2] == ("metric", 0) else key


def _unknown(path: tuple[str | int, ...], root: type[BaseModel]) -> str:
    model = next((_MODELS[part] for part in reversed(path[:-1]) if part in _MODELS), root)
    allowed = [field.alias or key for key, field in model.model_fields.items()]
    if issubclass(model, Settings) and path[-1] in (model.model_construct().knobs or ()):
        return f"is a knob, no setting; it stands in parameters:, as {path[-1]}: 0.1 or a range"
    return f"unknown key; allowed: {did_you_mean(path[-1], allowed)}"


def _unknown_name(key: str, given: Any) -> str:
    allowed = [str(name) for name in _KINDS[key]]
    if not isinstance(given, dict) or "name" not in given:
        return f"needs a name, one of {', '.join(allowed)}"
    return f"{brief(given['name'])} is not one of {did_you_mean(given['name'], allowed)}"


def _named(settings: Any) -> dict[str | int, type[BaseModel]]:
    """The models of a union of settings, by the names that choose them in a sweep file."""
    union, _ = get_args(settings)
    return {model.model_fields["name"].default: model for model in get_args(union)}


BOUNDS = "; a mapping is a range, with min and max, or a choice, with values"
EXAMPLES: dict[tuple[str | int, ...], str] = {
    ("metric",): "; write metric: {name: val_loss, goal: minimize}",
    ("trainable", "run"): "; write run: python train.py --lr {lr}",
    ("parameters",): "; write parameters: {lr: {min: 1e-5, max: 1.0, log: true}}",
}
_KINDS = {
    "sampler": _named(SamplerSettings),
    "scheduler": _named(SchedulerSettings),
    "trainable": _named(ReadySettings),
}
_MODELS: dict[str | int, type[BaseModel]] = {
    "metric": Metric,
    "resources": Resources,
    "checkpoints": Checkpoints,
    "submit": Submit,
    **{str(name): model for name, model in SITES.items()},
    "int": Int,
    "float": Float,
    "choice": Choice,
    **_KINDS["sampler"],
    **_KINDS["scheduler"],
    **_KINDS["trainable"],
}
