"""A sweep: what is searched, how, and for how long. The model behind the sweep file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from .errors import Problem, SweepError
from .nearest import did_you_mean
from .samplers import Grid, Random, SamplerSettings, Tpe
from .schedulers import Asha, Never, SchedulerSettings
from .space import Choice, Float, Int, Space

STRICT = ConfigDict(extra="forbid", frozen=True)
UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def _kind(raw: Any) -> str:
    """Which parameter a value in the sweep file stands for."""
    for tag, model in (("int", Int), ("float", Float), ("choice", Choice)):
        if isinstance(raw, model):
            return tag
    if not isinstance(raw, dict):
        return "constant"
    if "values" in raw:
        return "choice"
    bounds = [raw.get("min"), raw.get("max")]
    return "float" if any(isinstance(bound, float) for bound in bounds) else "int"


ParameterOrConstant = Annotated[
    Annotated[Int, Tag("int")]
    | Annotated[Float, Tag("float")]
    | Annotated[Choice, Tag("choice")]
    | Annotated[Any, Tag("constant")],
    Discriminator(_kind),
]


class Metric(BaseModel):
    """What the sweep looks for: a reported number, to be made small or large."""

    model_config = STRICT

    name: str = Field(min_length=1)
    goal: Literal["minimize", "maximize"] = "minimize"


class Resources(BaseModel):
    """What one trial needs while it trains."""

    model_config = STRICT

    cpus: float = Field(1, ge=0, allow_inf_nan=False)
    gpus: float = Field(
        0, ge=0, allow_inf_nan=False, description="a fraction shares a GPU among trials"
    )

    @field_validator("gpus")
    @classmethod
    def _whole_above_one(cls, gpus: float) -> float:
        if gpus > 1 and gpus != int(gpus):
            raise ValueError(
                f"gpus above 1 must be whole, not {gpus:g}; a trial gets a part of one "
                "GPU, or whole GPUs"
            )
        return gpus

    @model_validator(mode="after")
    def _something(self) -> Resources:
        if 0 < self.cpus < 0.01:
            raise ValueError(f"cpus must be at least 0.01, not {self.cpus:g}")
        if not self.cpus and not self.gpus:
            raise ValueError("cpus and gpus are both 0; give each trial a part of one at least")
        return self


class Sweep(BaseModel):
    """A sweep, validated. Errors: SweepError, with every mistake that was found."""

    model_config = STRICT

    name: str = Field("sweep", pattern=r"^[A-Za-z0-9][\w.-]*$", description="names the run folder")
    train: str | None = Field(
        None, description="the training function: module:function or path/to/file.py:function"
    )
    metric: Metric
    parameters: dict[str, ParameterOrConstant] = Field(min_length=1)
    max_epochs: int = Field(
        27, ge=1, strict=True, description="the longest that one trial may train"
    )
    trials: int | None = Field(
        None,
        ge=1,
        strict=True,
        description="how many configurations to try; 60 where no time is given",
    )
    time: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="how long to search: 9h, 90m, 1h30m"
    )
    sampler: SamplerSettings = Field(default_factory=Tpe, description="proposes configurations")
    scheduler: SchedulerSettings = Field(default_factory=Asha, description="stops weak trials")
    resources: Resources = Field(default_factory=Resources, description="for each trial")
    slots: int | None = Field(
        None, ge=1, strict=True, description="how many trials may run at once"
    )
    seed: int = Field(0, ge=0, strict=True)

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SweepError([_problem(details) for details in error.errors()]) from None
        problems = list(self._across())
        if problems:
            raise SweepError(problems)

    @field_validator("metric", mode="before")
    @classmethod
    def _one_metric(cls, raw: Any) -> Any:
        if isinstance(raw, list):
            if len(raw) != 1:
                raise ValueError(f"one metric is searched at a time, but {len(raw)} are given")
            raw = raw[0]
        return {"name": raw} if isinstance(raw, str) else raw

    @field_validator("sampler", "scheduler", mode="before")
    @classmethod
    def _name_alone(cls, raw: Any) -> Any:
        return {"name": raw} if isinstance(raw, str) else raw

    @field_validator("time", mode="before")
    @classmethod
    def _seconds(cls, raw: Any) -> Any:
        if isinstance(raw, bool):
            raise ValueError(f"{raw} is not a duration; write 9h, 90m, 1h30m or 45s")
        return seconds(raw) if isinstance(raw, str) else raw

    @property
    def space(self) -> Space:
        """The parameters, with their conditions in order."""
        return Space(self.parameters)

    @property
    def limit(self) -> int | None:
        """How many trials may be opened; None where only time, or a grid's end, limits them."""
        if self.trials is None and self.time is None and self.sampler.name != "grid":
            return 60
        return self.trials

    def _across(self) -> Iterator[Problem]:
        """Mistakes that no key shows alone."""
        yield from self.space.problems()
        yield from self.sampler.problems(self.space)
        yield from self.scheduler.problems(self.max_epochs)


def seconds(text: str) -> float:
    """A duration in seconds: `9h`, `90m`, `1h30m`, `45s`, `2d`. Errors: ValueError."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([dhms])", text.strip().lower())
    rest = re.sub(r"(\d+(?:\.\d+)?)\s*([dhms])", "", text.strip().lower()).strip()
    if not parts or rest:
        raise ValueError(f"{text!r} is not a duration; write 9h, 90m, 1h30m or 45s")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def _problem(details: ErrorDetails) -> Problem:
    """One of pydantic's errors in our words."""
    key = _untagged(details["loc"])
    given = details["input"]
    context = details.get("ctx") or {}
    match details["type"]:
        case "parameter":
            return Problem(key=(*key, context["key"]), message=context["message"])
        case "extra_forbidden":
            return Problem(key=key, message=_unknown(details["loc"]))
        case "missing":
            hint = EXAMPLES.get(key) or (BOUNDS if key[0] == "parameters" else "")
            return Problem(key=key, message=f"is missing{hint}")
        case "union_tag_invalid" | "union_tag_not_found":
            return Problem(key=key, message=_unknown_name(str(key[0]), given))
        case "literal_error":
            allowed = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
            near = did_you_mean(given, allowed)
            return Problem(key=key, message=f"{given!r} is not one of {near}")
        case "int_type" | "int_from_float" | "int_parsing":
            return Problem(key=key, message=f"must be a whole number, not {given!r}")
        case "float_type" | "float_parsing":
            return Problem(key=key, message=f"must be a number, not {given!r}")
        case "dict_type" | "model_type" | "model_attributes_type":
            return Problem(key=key, message=f"must be a mapping, such as {{a: 1}}, not {given!r}")
        case "list_type":
            return Problem(key=key, message=f"must be a list, such as [1, 2], not {given!r}")
        case "bool_type" | "bool_parsing":
            return Problem(key=key, message=f"must be true or false, not {given!r}")
        case "string_type":
            return Problem(key=key, message=f"must be text, not {given!r}")
        case "too_short":
            return Problem(key=key, message="is empty; name at least one")
        case "greater_than_equal":
            return Problem(key=key, message=f"must be at least {context['ge']:g}, not {given!r}")
        case "string_pattern_mismatch":
            return Problem(
                key=key, message=f"may hold letters, digits, dot, dash and _, not {given!r}"
            )
        case "value_error":
            return Problem(key=key, message=str(context["error"]))
    return Problem(key=key, message=f"{details['msg']}, not {given!r}")


def _untagged(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The path as the file has it: pydantic adds which kind of parameter or sampler it took."""
    place = {"parameters": 2, "sampler": 1, "scheduler": 1}.get(str(path[0]) if path else "", 0)
    return (*path[:place], *path[place + 1 :]) if place else path


def _unknown(path: tuple[str | int, ...]) -> str:
    model = _MODELS.get(path[-2], Sweep) if len(path) > 1 else Sweep
    return f"unknown key; allowed: {did_you_mean(path[-1], list(model.model_fields))}"


def _unknown_name(key: str, given: Any) -> str:
    kinds = {"sampler": (Tpe, Random, Grid), "scheduler": (Asha, Never)}[key]
    allowed = [kind.model_fields["name"].default for kind in kinds]
    if not isinstance(given, dict) or "name" not in given:
        return f"needs a name, one of {', '.join(allowed)}"
    return f"{given['name']!r} is not one of {did_you_mean(given['name'], allowed)}"


BOUNDS = "; a mapping is a range, with min and max, or a choice, with values"
EXAMPLES: dict[tuple[str | int, ...], str] = {
    ("metric",): "; write metric: {name: val_loss, goal: minimize}",
    ("parameters",): "; write parameters: {lr: {min: 1e-5, max: 1.0, log: true}}",
}
_MODELS: dict[str | int, type[BaseModel]] = {
    "metric": Metric,
    "resources": Resources,
    "int": Int,
    "float": Float,
    "choice": Choice,
    "tpe": Tpe,
    "random": Random,
    "grid": Grid,
    "asha": Asha,
    "none": Never,
}
