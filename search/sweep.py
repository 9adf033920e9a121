"""A sweep: what is searched, how, and for how long. The model behind the sweep file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    ValidationError,
    field_validator,
    model_serializer,
)

from . import budget
from .constraint import Constraint
from .contradiction import contradictions
from .deadline import Deadline
from .errors import Problem, SweepError
from .keeping import Checkpoints
from .mistakes import mistakes, unwritable
from .objective import Metric
from .ready import Command, ReadySettings, as_given, filled, spelled_out
from .ready.knob import slips
from .resources import Resources
from .samplers import Auto, Chosen, SamplerSettings
from .schedulers import Asha, SchedulerSettings
from .sites import Submit
from .space import Choice, Float, Int, Space
from .units import seconds
from .window import Window

STRICT = ConfigDict(extra="forbid", frozen=True)
LONGEST_NAME = 60  # of up to 4 bytes; with the time behind them, a folder's name has 255 at most
MOST = 1_000_000  # trials, epochs: more are a slip of the pen, and would fill the memory
CENTURY = 100 * 365 * 86_400.0  # seconds
Text = Annotated[str, Field(min_length=1)]


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


def _moment(given: Any) -> str | None:
    """A deadline as it is written everywhere. Errors: ValueError."""
    return None if given is None else str(Deadline.parse(given))


def _hours(given: Any) -> str:
    """A window as it is written everywhere. Errors: ValueError."""
    return str(Window.parse(given))


class _Trainable(BaseModel):
    trainable: ReadySettings


class Sweep(BaseModel):
    """A sweep, validated. Errors: SweepError, with every mistake that was found."""

    model_config = STRICT | ConfigDict(populate_by_name=True)

    name: str = Field(
        "sweep",
        pattern=r"^[A-Za-z0-9][\w.-]*$",
        max_length=LONGEST_NAME,
        description="names the run folder",
    )
    train: Text | None = Field(
        None, description="the training function: module:function or path/to/file.py:function"
    )
    trainable: ReadySettings | None = Field(
        None, description="what trains, ready-made: tabular, image, text, sklearn, boosting"
    )
    outcomes: tuple[Metric, ...] = Field(
        alias="metric", description="what is reported and matters; several with a goal, or bounds"
    )
    parameters: dict[Text, ParameterOrConstant] = Field(min_length=1, max_length=500)
    constraints: list[Annotated[str, AfterValidator(_readable)]] = Field(
        default_factory=list, description="what configurations must meet: layers * units <= 4096"
    )
    max_epochs: int = Field(
        27, ge=1, le=MOST, strict=True, description="the longest that one trial may train"
    )
    trials: int | None = Field(
        None,
        ge=1,
        le=MOST,
        strict=True,
        description="how many configurations to try; 60 where no other budget is given",
    )
    replicates: int = Field(
        1, ge=1, le=MOST, strict=True, description="how often the same configuration may be tried"
    )
    time: float | None = Field(
        None, gt=0, le=CENTURY, description="how long to search: 9h, 90m, 1h30m"
    )
    gpu_hours: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="what trials may use of GPUs in all"
    )
    deadline: Annotated[str, BeforeValidator(_moment)] | None = Field(
        None, description="when to end: 07:00, 07:00 Europe/Berlin, 2026-11-23 07:00"
    )
    window: tuple[Annotated[str, BeforeValidator(_hours)], ...] = Field(
        (), description="hours in which to search: 22:00-07:00, 22:00-07:00 Europe/Berlin"
    )
    reserve: float = Field(
        0.0, ge=0, le=CENTURY, description="kept from the end of time or deadline: 30m"
    )
    target: float | None = Field(
        None, allow_inf_nan=False, description="the metric that is good enough"
    )
    patience: int | None = Field(
        None, ge=1, le=MOST, strict=True, description="end after so many trials without a better"
    )
    timeout: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="without a report for so long, a trial hangs"
    )
    sampler: SamplerSettings = Field(default_factory=Auto, description="proposes configurations")
    scheduler: SchedulerSettings = Field(default_factory=Asha, description="stops weak trials")
    resources: Resources = Field(default_factory=Resources, description="for each trial")
    slots: int | None = Field(
        None, ge=1, le=MOST, strict=True, description="how many trials may run at once"
    )
    retries: int = Field(
        2,
        ge=0,
        le=MOST,
        strict=True,
        description="how often a trial whose worker died is tried again",
    )
    checkpoints: Checkpoints = Field(default_factory=Checkpoints, description="what is kept")
    submit: Submit = Field(default_factory=Submit, description="what it asks of sites, as a job")
    seed: int = Field(0, ge=0, strict=True)
    data: tuple[Text, ...] = Field(
        (), description="files and folders that training reads; looked for on every node"
    )
    from_: tuple[Text, ...] = Field(
        (),
        alias="from",
        description="earlier sweeps, whose results are used: run folders, "
        "optuna:sqlite:///x.db#study, ~/ray_results/NAME",
    )

    def __init__(self, /, **values: Any) -> None:
        if found := list(unwritable(values)):
            raise SweepError(found)
        given = values
        try:
            values = self._ready(values)
            super().__init__(**values)
        except ValidationError as error:
            raise SweepError(as_given(mistakes(error, type(self), values), given)) from None
        problems = list(self._across())
        if problems:
            raise SweepError(as_given(problems, given))

    @staticmethod
    def _ready(values: dict[str, Any]) -> dict[str, Any]:
        """With what a ready-made trainable brings. Errors: ValidationError of its settings."""
        try:
            values = spelled_out(values)
        except ValueError as error:
            raise SweepError([Problem(key=("command",), message=str(error))]) from None
        if values.get("trainable") is None:
            return values
        return filled(values, _Trainable(trainable=values["trainable"]).trainable)

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

    @field_validator("from_", "data", mode="before")
    @classmethod
    def _each_path(cls, raw: Any) -> Any:
        several = raw if isinstance(raw, list | tuple) else [raw]
        return [str(path) if isinstance(path, Path) else path for path in several]

    @field_validator("constraints", "window", mode="before")
    @classmethod
    def _one_alone(cls, raw: Any) -> Any:
        return [raw] if isinstance(raw, str) else raw

    @field_validator("sampler", "scheduler", mode="before")
    @classmethod
    def _name_alone(cls, raw: Any) -> Any:
        return {"name": raw} if isinstance(raw, str) else raw

    @field_validator("time", "timeout", "reserve", mode="before")
    @classmethod
    def _seconds(cls, raw: Any) -> Any:
        if isinstance(raw, bool):
            raise ValueError(f"{raw} is not a duration; write 9h, 90m, 1h30m or 45s")
        return seconds(raw) if isinstance(raw, str) else raw

    @property
    def trains(self) -> str | None:
        """What is trained, in a word or two; None where that is a function given in Python."""
        return f"trainable {self.trainable.name}" if self.trainable else self.train

    @property
    def folds(self) -> int | None:
        """Of cross-validation, where a trainable does that: each of its epochs is a fold."""
        return getattr(self.trainable, "cv", None)

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
        """How many trials may be opened; None where another budget, or a grid's end, limits them.

        A target alone is no budget: it may never be reached.
        """
        others = (self.time, self.gpu_hours, self.deadline, self.patience)
        if self.trials is None and others == (None,) * 4 and self.sampler.name != "grid":
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
        space, folds = self.space, self.folds
        if self.trainable and self.train:
            message = f"there is trainable: {self.trainable.name} too; leave one of them out"
            yield Problem(key=("train",), message=message)
        if folds and self.max_epochs != folds:
            message = f"with cv: {folds} each fold is an epoch; leave max_epochs out"
            yield Problem(key=("max_epochs",), message=message)
        if self.trainable and self.trainable.knobs is not None:
            yield from slips(self.trainable.name, self.trainable.knobs, self.parameters)
        if isinstance(self.trainable, Command):
            for message in self.trainable.mistakes(self.parameters):
                yield Problem(key=("trainable", "run"), message=message)
        found = list(space.problems())
        yield from found or contradictions(space)
        yield from self.sampler.problems(space)
        yield from self.scheduler.problems(self.max_epochs)
        yield from budget.problems(self)
