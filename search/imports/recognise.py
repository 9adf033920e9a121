"""Which tool a sweep is of: by what it holds."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import Problem, SweepError
from . import determined, hydra, katib, nni, syne_tune, wandb
from .draft import Reader, Values

READERS: dict[str, Reader] = {
    "determined": determined.draft,
    "hydra": hydra.draft,
    "katib": katib.draft,
    "nni": nni.draft,
    "syne-tune": syne_tune.draft,
    "wandb": wandb.draft,
}
NNI = ("searchSpace", "searchSpaceFile", "searchSpacePath", "trialCommand", "trialConcurrency")
OURS = ("train", "trainable", "trials", "max_epochs", "sampler", "scheduler")


def recognise(given: Values) -> str:
    """The name of its format, as in READERS. Errors: SweepError, where it cannot be told."""
    if given.get("kind") == "Experiment" and "spec" in given:
        return "katib"
    if "hyperparameters" in given and "searcher" in given:
        return "determined"
    if isinstance(given.get("hydra"), Mapping):
        return "hydra"
    if any(key in given for key in NNI) or _each(given, "_type"):
        return "nni"
    if _each(given, "domain_cls"):
        return "syne-tune"
    if "parameters" in given:
        if any(key in given for key in OURS):
            raise _wrong("is a sweep file of nightsweep's; `nightsweep run` takes it as it is")
        if "method" in given or "program" in given:
            return "wandb"
    raise _wrong(f"looks like no sweep that is known here; name its format: --format {_names()}")


def reader(name: str) -> Reader:
    """What reads a format. Errors: SweepError."""
    if name not in READERS:
        raise SweepError(
            [Problem(key=(), message=f"{name} is no format; name {_names()}")], "--format"
        )
    return READERS[name]


def _each(given: Values, key: str) -> bool:
    """Whether the values are mappings with that key; some may be constants."""
    return any(isinstance(value, Mapping) and key in value for value in given.values())


def _names() -> str:
    *names, last = READERS
    return f"{', '.join(names)} or {last}"


def _wrong(message: str) -> SweepError:
    return SweepError([Problem(key=(), message=message)])
