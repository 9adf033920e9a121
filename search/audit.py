"""What early stopping can be trusted with: each rung beside the next one, in trials that went on
whatever their rank (schedulers/rung.py), and in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .correlation import spearman
from .schedulers import Evidence
from .schedulers.rung import BLIND, ENOUGH
from .study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A rung and what it is worth; a correlation is None where too few trials tell it."""

    epoch: int
    next: int
    trials: int
    correlation: float | None  # of values here and at the next rung, by rank
    final: float | None  # and at the last epoch; of those only that later rungs let through
    controls: int  # of the trials, those that the rung would have stopped
    wrong: int  # and of these, those that were among the best 1/eta at the next rung
    warning: str


def audit(study: Study) -> list[Audit]:
    """The rungs of a study, lowest first; none where its scheduler has no controls."""
    return [
        _audited(found, study.sweep.max_epochs)
        for found in study.scheduler.evidence()
        if found.pairs
    ]


def sentences(audits: Iterable[Audit]) -> list[str]:
    """The warnings; where there are none, that all is well; nothing where nothing is known."""
    known = [rung for rung in audits if rung.correlation is not None]
    warnings = [rung.warning for rung in known if rung.warning]
    if warnings or not known:
        return [warning[0].upper() + warning[1:] + "." for warning in warnings]
    told = ", ".join(f"{rung.correlation:.2f} at epoch {rung.epoch}" for rung in known)
    controls, wrong = (sum(getattr(r, name) for r in known) for name in ("controls", "wrong"))
    some = f"; {wrong} of {controls} controls would have gone on" if controls else ""
    return [f"Early stopping agreed with the next rung: rank correlation {told}{some}."]


def _audited(found: Evidence, max_epochs: int) -> Audit:
    correlation = _known(found.pairs)
    return Audit(
        epoch=found.epoch,
        next=found.next,
        trials=len(found.pairs),
        correlation=correlation,
        final=_known(found.finals),
        controls=found.controls,
        wrong=found.wrong,
        warning=_warning(found, correlation, max_epochs),
    )


def _known(pairs: Sequence[tuple[float, float]]) -> float | None:
    return spearman(pairs) if len(pairs) >= ENOUGH else None


def _warning(found: Evidence, correlation: float | None, max_epochs: int) -> str:
    better = "scheduler: none" if found.next >= max_epochs else f"grace: {found.next}"
    if correlation is not None and correlation < BLIND:
        return (
            f"epoch {found.epoch} says little about epoch {found.next} (rank correlation "
            f"{correlation:.2f} in {len(found.pairs)} trials); set {better}"
        )
    if found.controls >= ENOUGH and found.wrong * found.eta > found.controls:
        return (
            f"of {found.controls} controls that epoch {found.epoch} would have stopped, "
            f"{found.wrong} were among the best 1/{found.eta} at epoch {found.next}; set {better}"
        )
    return ""
