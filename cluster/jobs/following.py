"""`submit --wait`: follow a job to its end, and submit it again when it has died.

What comes back by itself at other sites (Slurm's requeue, Kubernetes' backoff) needs nobody who
waits; Ray's jobs server starts a job once.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from ...search.errors import ClusterDownError, NightsweepError
from ...search.units import duration
from ..exits import DONE, RESUME_ME
from ..supervise import Again, Over, after
from ..supervise import Standing as Journal
from ..supervise import standing as journalled
from .site import Job, Site, Standing, State
from .submit import submit

AWAY = 900.0  # seconds that a site which does not answer is waited for
LOOK = 5.0  # seconds between two tries to reach it
Answer = TypeVar("Answer")


def follow(
    job: Job,
    site: Site,
    id: str,
    *,
    show: Callable[[str], object],
    say: Callable[[str], object],
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Until the sweep is done, stopped, or dies without getting further; its exit code.

    `show` is given the job's output, line by line; `say` what is done about its end. Errors:
    NightsweepError; ClusterDownError where the site has been away for 15 minutes.
    """
    deaths, now, shown = 0, journalled(job.run), 0
    while True:
        for line in _lines(site, job, id, shown):
            show(line)
            shown += 1
        ended = _patiently(partial(site.standing, job.run, id), sleep)
        if ended.state in (State.WAITING, State.RUNNING):
            sleep(LOOK)  # it was the log that could not be had
            continue
        before, now = now, journalled(job.run)
        then = decide(ended, before=before, now=now, deaths=deaths)
        if isinstance(then, Over):
            say(f"{id} is {ended}")
            return then.code
        deaths = then.deaths
        say(f"{id} is {ended}; submitting it again in {duration(then.wait)}")
        sleep(then.wait)
        id, shown = _patiently(partial(submit, job, site), sleep).id, 0


def decide(ended: Standing, *, before: Journal, now: Journal, deaths: int) -> Again | Over:
    """What to do after a job has ended, as the supervisor of a driver would.

    `before`, `now`: what the journal said then and says now, where it can be seen from here;
    without it, three deaths in a row are the end.
    """
    if ended.state is State.DONE:
        return Over(code=ended.code or DONE)
    if ended.state is State.STOPPED:
        return Over(code=RESUME_ME)
    died = -signal.SIGKILL if ended.code is None else ended.code
    return after(died, told=False, before=before, now=now, deaths=deaths)


def _patiently(ask: Callable[[], Answer], sleep: Callable[[float], None]) -> Answer:
    """An answer from a site that may be away for a while. Errors: ClusterDownError."""
    for _ in range(round(AWAY / LOOK)):
        try:
            return ask()
        except ClusterDownError:
            sleep(LOOK)
    return ask()


def _lines(site: Site, job: Job, id: str, shown: int) -> Iterator[str]:
    """What has not been shown yet of a job's output, to its end or until it cannot be had."""
    try:
        for number, line in enumerate(site.logs(job.run, id, follow=True)):
            if number >= shown:
                yield line
    except NightsweepError:
        return  # how the job stands says more
