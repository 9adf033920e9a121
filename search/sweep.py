"""A sweep: what is searched, how, and for how long. The model behind the sweep file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import ErrorDetails

from .constraint import Constraint
from .contradiction import contradictions
from .errors import Problem, SweepError
from .nearest import did_you_mean
from .objective import Metric
from .samplers import Auto, Chosen, SamplerSettings
from .schedulers import Asha, SchedulerSettings
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


def _readable(text: str) -> str:
    """A constraint as it is, if it can be read. Errors: ValueError."""
    return Constraint(text).text


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

    model_config = STRICT | ConfigDict(populate_by_name=True)

    name: str = Field("sweep", pattern=r"^[A-Za-z0-9][\w.-]*$", description="names the run folder")
    train: str | None = Field(
        None, description="the training function: module:function or path/to/file.py:function"
    )
    outcomes: tuple[Metric, ...] = Field(
        alias="metric", description="what is reported and matters; several with a goal, or bounds"
    )
    parameters: dict[str, ParameterOrConstant] = Field(min_length=1)
    constraints: list[Annotated[str, AfterValidator(_readable)]] = Field(
        default_factory=list, description="what configurations must meet: layers * units <= 4096"
    )
    max_epochs: int = Field(
        27, ge=1, strict=True, description="the longest that one trial may train"
    )
    trials: int | None = Field(
        None,
        ge=1,
        strict=True,
        description="how many configurations to try; 60 where no time is given",
    )
    replicates: int = Field(
        1, ge=1, strict=True, description="how often the same configuration may be tried"
    )
    time: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="how long to search: 9h, 90m, 1h30m"
    )
    sampler: SamplerSettings = Field(default_factory=Auto, description="proposes configurations")
    scheduler: SchedulerSettings = Field(default_factory=Asha, description="stops weak trials")
    resources: Resources = Field(default_factory=Resources, description="for each trial")
    slots: int | None = Field(
        None, ge=1, strict=True, description="how many trials may run at once"
    )
    seed: int = Field(0, ge=0, strict=True)
    from_: tuple[str, ...] = Field(
        (), alias="from", description="run folders of earlier sweeps, whose results are used"
    )

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            found = [_problem(details) for details in error.errors()]
            if not isinstance(values.get("metric"), list | tuple):  # one is not counted
                found = [replace(p, key=_uncounted(p.key)) for p in found]
            raise SweepError(found) from None
        problems = list(self._across())
        if problems:
            raise SweepError(problems)

    @field_validator("outcomes", mode="before")
    @classmethod
    def _each_metric(cls, raw: Any) -> Any:
        several = raw if isinstance(raw, list | tuple) else [raw]
        if not several:
            raise ValueError("is empty; name at least one")
        return [{"name": one} if isinstance(one, str) else one for one in several]

    @field_validator("outcomes")
    @classmethod
    def _some_objective(cls, outcomes: tuple[Metric, ...]) -> tuple[Metric, ...]:
        names = [metric.name for metric in outcomes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} stands twice; goal, min and max of one go together")
        if all(metric.goal is None for metric in outcomes):
            raise ValueError(
                f"{' and '.join(names)} only have bounds; give one a goal, minimize or maximize"
            )
        return outcomes

    @model_serializer(mode="wrap")
    def _as_written(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As in a sweep file: `from`, `metric`, and one metric not as a list."""
        values: dict[str, Any] = serialize(self)
        if "from_" in values:
            values["from"] = list(values.pop("from_"))
        if "outcomes" in values:
            metrics = values.pop("outcomes")
            values["metric"] = metrics[0] if len(metrics) == 1 else list(metrics)
        return values

    @field_validator("from_", mode="before")
    @classmethod
    def _each_run(cls, raw: Any) -> Any:
        several = raw if isinstance(raw, list | tuple) else [raw]
        return [str(run) if isinstance(run, Path) else run for run in several]

    @field_validator("constraints", mode="before")
    @classmethod
    def _one_constraint(cls, raw: Any) -> Any:
        return [raw] if isinstance(raw, str) else raw

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
    def objectives(self) -> list[Metric]:
        """The metrics with a goal, in the order given; one at least."""
        return [metric for metric in self.outcomes if metric.goal is not None]

    @property
    def metric(self) -> Metric:
        """The first objective."""
        return self.objectives[0]

    @property
    def space(self) -> Space:
        """The parameters, with their conditions in order."""
        return Space(self.parameters, self.constraints, {"max_epochs": self.max_epochs})

    @property
    def limit(self) -> int | None:
        """How many trials may be opened; None where only time, or a grid's end, limits them."""
        if self.trials is None and self.time is None and self.sampler.name != "grid":
            return 60
        return self.trials

    @property
    def chosen(self) -> Chosen:
        """The sampler that proposes: as given, or as `auto` chooses."""
        if not isinstance(self.sampler, Auto):
            return Chosen(sampler=self.sampler)
        return self.sampler.choose(self.space, trials=self.limit, objectives=len(self.objectives))

    def _across(self) -> Iterator[Problem]:
        """Mistakes that no key shows alone."""
        space = self.space
        found = list(space.problems())
        yield from found or contradictions(space)
        yield from self.sampler.problems(space)
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
        case "less_than_equal":
            return Problem(key=key, message=f"must be at most {context['le']:g}, not {given!r}")
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


def _uncounted(key: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The key in a metric that stands alone, not in a list."""
    return key[:1] + key[2:] if key[:2] == ("metric", 0) else key


def _unknown(path: tuple[str | int, ...]) -> str:
    model = next((_MODELS[part] for part in reversed(path[:-1]) if part in _MODELS), Sweep)
    allowed = [field.alias or key for key, field in model.model_fields.items()]
    return f"unknown key; allowed: {did_you_mean(path[-1], allowed)}"


def _unknown_name(key: str, given: Any) -> str:
    allowed = [str(name) for name in _KINDS[key]]
    if not isinstance(given, dict) or "name" not in given:
        return f"needs a name, one of {', '.join(allowed)}"
    return f"{given['name']!r} is not one of {did_you_mean(given['name'], allowed)}"


def _named(settings: Any) -> dict[str | int, type[BaseModel]]:
    """The models of a union of settings, by the names that choose them in a sweep file."""
    union, _ = get_args(settings)
    return {model.model_fields["name"].default: model for model in get_args(union)}


BOUNDS = "; a mapping is a range, with min and max, or a choice, with values"
EXAMPLES: dict[tuple[str | int, ...], str] = {
    ("metric",): "; write metric: {name: val_loss, goal: minimize}",
    ("parameters",): "; write parameters: {lr: {min: 1e-5, max: 1.0, log: true}}",
}
_KINDS = {"sampler": _named(SamplerSettings), "scheduler": _named(SchedulerSettings)}
_MODELS: dict[str | int, type[BaseModel]] = {
    "metric": Metric,
    "resources": Resources,
    "int": Int,
    "float": Float,
    "choice": Choice,
    **_KINDS["sampler"],
    **_KINDS["scheduler"],
}
