"""What one trial needs while it trains."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Resources(BaseModel):
    """What one trial needs while it trains."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
