"""What a sweep asks of the places it can be submitted to: `submit` in a sweep file.

Values only, each as its site's own words have it; what is made of them is in cluster/jobs/, one
file a site.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .kubernetes import (
    Folder,
    Image,
    Memory,
    Name,
    Namespace,
    Resource,
    Selector,
    Taint,
    Volumes,
)
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
    runs: Text | None = Field(
        None,
        pattern="^/",
        description="where runs lie there, on storage that all nodes see: /shared/runs; "
        "without it at the same path as here",
    )
    cpus: float = Field(
        0, ge=0, allow_inf_nan=False, description="for the driver; with 0 it runs on the head node"
    )
    resources: dict[Text, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="for the driver, beside CPUs: {on_demand: 1}"
    )


class Slurm(_Site):
    """Slurm: one allocation of several nodes, with a Ray of its own inside."""

    nodes: int = Field(1, ge=1, strict=True)
    cpus: int | None = Field(None, ge=1, strict=True, description="per node")
    gpus: int | Text = Field(0, description="per node: 4, or a100:4")
    memory: Size | None = Field(None, description="per node: 64GB")
    time: Duration | None = Field(None, description="the limit of one allocation: 8h")
    grace: Duration = Field(120, description="so long before its limit trials are saved")
    partition: Text | None = None
    account: Text | None = None
    qos: Text | None = None
    options: Lines = Field((), description="more of sbatch's: --constraint=a100")


class Kubernetes(_Site):
    """Kubernetes with KubeRay: a Ray cluster of its own for each job, a head and workers."""

    image: Image | None = Field(None, description="has nightsweep, and your code and data")
    folder: Folder = Field("/app", description="the sweep file's folder, in the containers")
    runs: Folder | None = Field(None, description="where run folders lie, on one of the volumes")
    volumes: Volumes = Field({}, description="claims and where they are mounted: team-data: /data")
    namespace: Namespace | None = Field(None, description="without it, that of kubectl's context")
    context: Text | None = Field(None, description="without it, kubectl's current one")
    workers: int = Field(1, ge=1, strict=True)
    max_workers: int | None = Field(
        None, ge=1, strict=True, description="Ray's autoscaler adds workers, up to so many"
    )
    cpus: int = Field(1, ge=1, strict=True, description="per worker")
    gpus: int = Field(0, ge=0, strict=True, description="per worker")
    gpu: Resource = Field("nvidia.com/gpu", description="what GPUs are called on the nodes")
    memory: Memory = Field("4Gi", description="per worker")
    head_cpus: int = Field(1, ge=1, strict=True, description="no trial runs on the head")
    head_memory: Memory = "4Gi"
    selector: Selector = Field({}, description="labels of the workers' nodes: {pool: spot}")
    head_selector: Selector = Field({}, description="of the head's, which should stay")
    tolerations: Annotated[tuple[Taint, ...], BeforeValidator(_lines)] = Field(
        (), description="of the workers, as kubectl taint writes them: dedicated=ann:NoSchedule"
    )
    priority: Name | None = Field(None, description="priority class of the workers")
    head_priority: Name | None = None
    service_account: Name | None = None
    secrets: Annotated[tuple[Name, ...], BeforeValidator(_lines)] = Field(
        (), description="of the namespace, as environment variables: wandb"
    )
    pull_secrets: Annotated[tuple[Name, ...], BeforeValidator(_lines)] = ()
    queue: Name | None = Field(None, description="a local queue of Kueue's")
    suspend: bool = Field(False, strict=True, description="wait until somebody lets it begin")
    retries: int = Field(3, ge=0, strict=True, description="how often it comes back in all")
    time: Duration | None = Field(None, description="it is stopped after so long: 8h")


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
