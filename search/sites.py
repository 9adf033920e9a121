"""What a sweep asks of the places it can be submitted to: `submit` in a sweep file.

Values only, each as its site's own words have it; what is made of them is in cluster/jobs/, one
file a site.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .units import seconds, size

Text = Annotated[str, Field(min_length=1)]


def _seconds(raw: Any) -> Any:
    """Seconds from `8h`. Errors: ValueError."""
    return seconds(raw) if isinstance(raw, str) else raw


def _bytes(raw: Any) -> Any:
    """Bytes from `64GB`. Errors: ValueError."""
    return size(raw) if isinstance(raw, str) else raw


def _lines(raw: Any) -> Any:
    return [raw] if isinstance(raw, str) else raw


Duration = Annotated[float, BeforeValidator(_seconds), Field(gt=0, allow_inf_nan=False)]
Size = Annotated[int, BeforeValidator(_bytes), Field(gt=0)]
Lines = Annotated[tuple[Text, ...], BeforeValidator(_lines)]


class _Site(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    setup: Lines = Field((), description="shell lines before it: module load cuda")


class Local(_Site):
    """This machine, in the background."""


class Ray(_Site):
    """A Ray cluster's jobs server."""

    address: Text | None = Field(None, description="the jobs server: http://head:8265")


class Slurm(_Site):
    """Slurm: one allocation of several nodes, with a Ray of its own inside."""

    nodes: int = Field(1, ge=1, strict=True)
    cpus: int | None = Field(None, ge=1, strict=True, description="per node")
    gpus: int | Text = Field(0, description="per node: 4, or a100:4")
    memory: Size | None = Field(None, description="per node: 64GB")
    time: Duration | None = Field(None, description="the limit of one allocation: 8h")
    partition: Text | None = None
    account: Text | None = None
    qos: Text | None = None
    options: Lines = Field((), description="more of sbatch's: --constraint=a100")


class Kubernetes(_Site):
    """Kubernetes with KubeRay."""

    image: Text | None = None
    namespace: Text | None = None


class Submit(BaseModel):
    """What a sweep asks of each site."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    local: Local = Field(default_factory=Local)
    ray: Ray = Field(default_factory=Ray)
    slurm: Slurm = Field(default_factory=Slurm)
    kubernetes: Kubernetes = Field(default_factory=Kubernetes)


SiteName = Literal["local", "ray", "slurm", "kubernetes"]
SITES: dict[SiteName, type[BaseModel]] = {
    "local": Local,
    "ray": Ray,
    "slurm": Slurm,
    "kubernetes": Kubernetes,
}
