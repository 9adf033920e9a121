"""What the doctor says of CPUs, memory, disks, limits and the clock."""

from __future__ import annotations

from collections.abc import Iterator

from ...search.units import plural, size_text
from ...search.zone import zone
from .finding import Finding, Level
from .machine import Clock, Disk, Machine, Most

GB = 10**9
RAY = 400e6  # bytes that Ray's own processes take, measured
TRIAL = 300e6  # and a worker that has loaded torch, before any model
OBJECTS = 200e6  # bytes of Ray's object store
BATCHES = GB  # of shared memory; Docker gives 64 MB
FILES, FILES_EACH = 100, 4  # open files of Ray's busiest process, and more for each worker
TASKS, TASKS_EACH = 200, 40  # processes and threads of Ray's, and of a worker
MANY = 500  # workers that a machine should let one have
SKEW = 2.0  # seconds
SOCKETS = 50  # characters of a temporary folder's path: Ray's socket names end at 107


def findings(machine: Machine) -> Iterator[Finding]:
    """One or more of each; what is fine is said too."""
    yield cpus(machine)
    yield memory(machine)
    yield disk("run folder", machine.runs, limit=5 * GB)
    yield disk("Ray's files", machine.temporary, limit=GB)
    if len(str(machine.temporary.path)) > SOCKETS:
        yield long_path(machine.temporary)
    yield shared(machine.shared)
    yield open_files(machine.files)
    yield tasks(machine.tasks, machine.group.tasks)
    yield clock(machine.clock)


def cpus(machine: Machine) -> Finding:
    """What Ray is told to count."""
    has = machine.cpus
    if has.usable >= has.there:
        return Finding(topic="CPUs", said=f"{plural(has.there, 'CPU')}")
    bound = has.quota is None or has.bound <= has.quota
    why = (
        f"this process is bound to {has.bound} (taskset, Slurm, or the container's cpuset)"
        if bound
        else f"its control group (a container, a service) gives the time of {has.quota:g}"
    )
    return Finding(
        topic="CPUs",
        said=f"{has.usable} of the machine's {has.there} CPUs: {why}",
        level=Level.LIMITS,
        advice="ask for more where the container or job is started, if that was not meant",
    )


def memory(machine: Machine) -> Finding:
    """Of the machine, or of the container where that has less."""
    total, free, where = machine.memory, left(machine), ""
    if machine.group.memory is not None and machine.group.memory < total:
        where = f" (of the machine's {size_text(total)}; the control group's limit)"
        total = machine.group.memory
    said = f"{size_text(total)}{where}, {size_text(free)} free"
    if free >= RAY + 4 * TRIAL:
        return Finding(topic="memory", said=said)
    few = max(int((free - RAY) / TRIAL), 0)
    none = free < RAY + TRIAL
    return Finding(
        topic="memory",
        said=f"{said}: Ray takes {size_text(RAY)}, each worker with torch {size_text(TRIAL)} and "
        f"more with its model, so {'not one fits' if none else f'about {few} fit'}",
        level=Level.STOPS if none else Level.LIMITS,
        advice="end what else takes memory, or give the container more",
    )


def left(machine: Machine) -> int:
    """Bytes of memory that are free for a sweep."""
    group = machine.group.free
    return machine.available if group is None else min(group, machine.available)


def disk(topic: str, found: Disk, *, limit: int) -> Finding:
    """Whether there is room; `limit`: bytes that should be free."""
    if found.wrong:
        return Finding(
            topic=topic,
            said=f"nothing can be written to {found.path}: {found.wrong}",
            level=Level.STOPS,
            advice=_elsewhere(topic),
        )
    said = f"{size_text(found.free)} of {size_text(found.total)} free for {found.path}"
    full = topic != "run folder" and found.free < 0.05 * found.total  # Ray's own limit
    few = found.files is not None and found.files < 10_000
    if found.free < 100e6 or found.files == 0:
        level, why = Level.STOPS, "" if found.files else "; it takes no more files"
    elif full:
        level, why = Level.LIMITS, "; Ray stops writing objects to a disk that is 95% full"
    elif found.free < limit or few:
        level = Level.LIMITS
        why = f"; it takes only {found.files:,} more files" if few else ""
    else:
        return Finding(topic=topic, said=said)
    return Finding(topic=topic, said=said + why, level=level, advice=_elsewhere(topic))


def long_path(found: Disk) -> Finding:
    """The names of Ray's sockets would be longer than the kernel lets them be."""
    return Finding(
        topic="Ray's files",
        said=f"the path of {found.path} is too long: Ray's sockets lie under it, and their names "
        "end at 107 characters",
        level=Level.STOPS,
        advice="set RAY_TMPDIR to a short path, /tmp say",
    )


def shared(found: Disk | None) -> Finding:
    """Shared memory."""
    topic, advice = "/dev/shm", "in a container: docker run --shm-size=8g, or a larger emptyDir"
    if found is None or found.wrong:
        return Finding(
            topic=topic,
            said="there is none: Ray's objects go to the disk, and loaders with workers fail",
            level=Level.LIMITS,
            advice=advice,
        )
    said = f"{size_text(found.free)} free"
    if found.free >= BATCHES:
        return Finding(topic=topic, said=said)
    slow = "Ray's objects go to the disk, and " if found.free < OBJECTS else ""
    return Finding(
        topic=topic,
        said=f"{said}: {slow}loaders with workers may end with a bus error",
        level=Level.LIMITS,
        advice=advice,
    )


def open_files(most: Most) -> Finding:
    """Ray raises its soft limit to 65536, or to the hard one where that is lower."""
    hard = most.hard
    if hard is None or hard >= FILES + MANY * FILES_EACH:
        return Finding(topic="open files", said=f"{_count(hard)} (ulimit -Hn)")
    few = max((hard - FILES) // FILES_EACH, 0)
    return Finding(
        topic="open files",
        said=f"at most {hard:,} (ulimit -Hn): enough for about {few} workers",
        level=Level.LIMITS if few else Level.STOPS,
        advice="raise it to 65536: /etc/security/limits.conf, or docker run --ulimit nofile=65536",
    )


def tasks(most: Most, group: int | None) -> Finding:
    """Processes and threads, which the kernel counts together."""
    limits = [one for one in (most.soft, group) if one is not None]
    if not limits or min(limits) >= TASKS + MANY * TASKS_EACH:
        return Finding(
            topic="processes", said=f"{_count(min(limits, default=None))}, with threads"
        )
    few = max((min(limits) - TASKS) // TASKS_EACH, 0)
    where = "ulimit -u" if most.soft == min(limits) else "the control group's pids.max"
    more = (
        "ulimit -u 65536, or /etc/security/limits.conf"
        if most.soft == min(limits)
        else "docker run --pids-limit=-1, or the cluster's podPidsLimit"
    )
    return Finding(
        topic="processes",
        said=f"at most {min(limits):,}, with threads ({where}): enough for about {few} workers",
        level=Level.LIMITS if few else Level.STOPS,
        advice=more,
    )


def clock(found: Clock) -> Finding:
    """Deadlines and windows go by it."""
    said = f"{found.shown}, zone {found.zone or 'unnamed'}"
    if found.ahead is not None and abs(found.ahead) > SKEW:
        word = "ahead of" if found.ahead > 0 else "behind"
        return Finding(
            topic="clock",
            said=f"{said}; the run folder's file system is {abs(found.ahead):.0f} s {word} it",
            level=Level.LIMITS,
            advice="let both follow the same time (NTP): times in reports would be off",
        )
    if not found.named:
        return Finding(
            topic="clock",
            said=f"{said}; no time zones are installed: deadlines and windows can name none",
            level=Level.LIMITS,
            advice="pip install tzdata",
        )
    if "/" in found.zone and not _known(found.zone):
        return Finding(
            topic="clock",
            said=f"{said}: there is no zone of that name, so the system takes UTC",
            level=Level.LIMITS,
            advice="set TZ to a name like Europe/Berlin",
        )
    return Finding(topic="clock", said=said)


def _known(name: str) -> bool:
    try:
        zone(name)
    except ValueError:
        return False
    return True


def _elsewhere(topic: str) -> str:
    if topic == "run folder":
        return "make room, or name another place: --out FOLDER"
    return "make room, or name another place: RAY_TMPDIR=/a/short/path"


def _count(number: int | None) -> str:
    return "any number" if number is None else f"{number:,}"
