"""How many trials of a sweep train at once on this machine, and why not more."""

from __future__ import annotations

from ...search.resources import Resources
from ...search.sweep import Sweep
from ...search.units import plural, size_text
from ..capacity import room
from .finding import Finding, Level
from .host import RAY, TRIAL


def at_once(sweep: Sweep, *, cpus: int, gpus: int, memory: int) -> Finding:
    """`cpus`: usable ones; `gpus`: free ones; `memory`: bytes available."""
    needs = sweep.resources.shared(1)
    fits = room([{"CPU": float(cpus), "GPU": float(gpus)}], needs)
    if not fits:
        return _not_one(needs, cpus, gpus)
    limits = [(fits, _short(needs, cpus, gpus))]
    if sweep.slots:
        limits.append((sweep.slots, "slots in the sweep says so"))
    if sweep.limit:
        limits.append((sweep.limit, "there are no more"))
    count, why = min(limits, key=lambda one: one[0])
    said = f"{sweep.name}: {plural(count, 'trial')} at once, {sweep.resources} each; {why}"
    if sweep.resources.auto:
        said += "; more share a GPU once it is measured that they fit"
    tight = RAY + count * TRIAL
    if memory < tight:
        return Finding(
            topic="sweep",
            said=f"{said}. Their processes alone take {size_text(tight)} of memory, and "
            f"{size_text(memory)} are free",
            level=Level.LIMITS,
            advice=f"slots: {max(int((memory - RAY) / TRIAL), 1)} in the sweep",
        )
    return Finding(topic="sweep", said=said)


def _short(needs: Resources, cpus: int, gpus: int) -> str:
    """What there is not enough of for one more."""
    by_cpu = room([{"CPU": float(cpus)}], needs.model_copy(update={"gpus": 0.0}))
    by_gpu = room([{"CPU": 1e9, "GPU": float(gpus)}], needs) if needs.gpus else by_cpu
    if not needs.gpus or by_cpu < by_gpu:
        idle = f" ({plural(gpus, 'GPU')} would take {by_gpu})" if needs.gpus else ""
        return f"{plural(cpus, 'CPU')} are enough for no more{idle}"
    words = "is" if gpus == 1 else "are"
    spare = f" ({plural(cpus, 'CPU')} would take {by_cpu})" if by_gpu < by_cpu else ""
    return f"{plural(gpus, 'free GPU')} {words} enough for no more{spare}"


def _not_one(needs: Resources, cpus: int, gpus: int) -> Finding:
    has = f"{plural(cpus, 'CPU')} and {plural(gpus, 'free GPU')}"
    return Finding(
        topic="sweep",
        said=f"not one trial fits: each asks for {needs}, and this machine has {has}",
        level=Level.STOPS,
        advice="lower resources in the sweep, or run it where there is more",
    )
