"""What one trial needs while it trains."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from .brief import brief

PARTS = 10_000  # of a GPU: Ray counts no smaller ones, and rounds


def _readable(given: Any) -> Any:
    """Errors: ValueError for words other than auto."""
    try:
        return float(given) if isinstance(given, str) else given
    except ValueError:
        raise ValueError(f"must be a number or auto, not {brief(given)}") from None


Number = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(_readable)]
Gpus = Annotated[
    Annotated[Number, Tag("number")] | Annotated[Literal["auto"], Tag("auto")],
    Discriminator(lambda given: "auto" if given == "auto" else "number"),
]


def part(each: int) -> float:
    """What each gets of a GPU that so many share; together never more than there is."""
    return PARTS // each / PARTS


class Resources(BaseModel):
    """What one trial needs while it trains."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpus: float = Field(1, ge=0, allow_inf_nan=False)
    gpus: Gpus = Field(
        0.0, description="a fraction shares a GPU among trials; auto: as many share one as fit"
    )

    processes: int = Field(
        1, ge=1, description="so many run the training function together, as with torchrun"
    )

    @property
    def auto(self) -> bool:
        """Whether it is measured how many trials share a GPU."""
        return self.gpus == "auto"

    @property
    def most_gpus(self) -> float:
        """GPUs of a trial; at `auto`, what the first ones get, and none gets more."""
        return 1.0 if self.gpus == "auto" else self.gpus

    def shared(self, each: int) -> Resources:
        """At `auto`, what a trial gets where `each` share a GPU; otherwise the same."""
        if not self.auto:
            return self
        return self.model_copy(update={"gpus": part(each)})

    def __str__(self) -> str:
        gpus = "a share of a GPU, as is measured" if self.auto else f"{self.most_gpus:g} GPU"
        return f"{self.cpus:g} CPU and {gpus}"

    @field_validator("gpus")
    @classmethod
    def _whole_above_one(cls, gpus: float | Literal["auto"]) -> float | Literal["auto"]:
        if gpus != "auto" and gpus > 1 and gpus != int(gpus):
            raise ValueError(
                f"gpus above 1 must be whole, not {gpus:g}; a trial gets a part of one "
                "GPU, or whole GPUs"
            )
        return gpus

    @model_validator(mode="after")
    def _a_gpu_each(self) -> Resources:
        if self.gpus and self.processes > 1 and self.gpus != self.processes:
            raise ValueError(
                f"{self.processes} processes need a GPU each; write gpus: {self.processes}, or 0"
            )
        return self

    @model_validator(mode="after")
    def _something(self) -> Resources:
        if 0 < self.cpus < 0.01:
            raise ValueError(f"cpus must be at least 0.01, not {self.cpus:g}")
        if not self.cpus and not self.gpus:
            raise ValueError("cpus and gpus are both 0; give each trial a part of one at least")
        return self
