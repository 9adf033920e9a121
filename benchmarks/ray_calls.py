"""What Ray itself costs a driver: the figures that benchmarks/driver.py charges as RAY.

    python benchmarks/ray_calls.py

A real Ray on this machine, two actors that answer at once. `main`: CPU of the thread in which the
driver works, which is what it waits for; `process`: with Ray's own threads, which need another
core. Microseconds; looks at many pending results are at calls that an actor never answers.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ROUNDS = 3000
RESULT = {"messages": [{"trial": 1, "epoch": 3, "metrics": {"val_loss": 0.5}}], "place": "x" * 200}


@contextmanager
def timed(what: str, times: int) -> Iterator[None]:
    """Print what one of so many has taken."""
    main, process = time.thread_time(), time.process_time()
    yield
    main, process = time.thread_time() - main, time.process_time() - process
    each = 1e6 / times
    print(f"{what:44s} main {main * each:7.1f}   process {process * each:7.1f}", flush=True)


def rounds(ray: Any, actors: list[Any]) -> None:
    """Hear of a result, take it, ask for the next step: what a slot's result costs at least."""
    live = {actor.train.remote(): actor for actor in actors}
    for _ in range(ROUNDS):
        ready, _ = ray.wait(list(live))
        ray.get(ready[0])
        actor = live.pop(ready[0])
        live[actor.train.remote()] = actor
    ray.get(list(live))


def main() -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=100 * 1024**2,
    )

    class Process:
        def train(self) -> dict[str, Any]:
            return RESULT

        def sleep(self) -> None:
            time.sleep(1000)

    Slot: Any = ray.remote(num_cpus=0)(Process)  # noqa: N806
    actors = [Slot.remote() for _ in range(2)]
    ray.get([actor.train.remote() for actor in actors])
    for _ in range(3):
        with timed("call, wait and get, one result after another", ROUNDS):
            rounds(ray, actors)
    with timed("call, many at once", ROUNDS):
        refs = [actors[number % 2].train.remote() for number in range(ROUNDS)]
        ray.wait(refs, num_returns=ROUNDS)
    with timed("get", ROUNDS):
        for ref in refs:
            ray.get(ref)
    asleep = Slot.remote()
    for pending in (100, 1000, 4000):
        refs = [asleep.sleep.remote() for _ in range(pending)]
        ready = actors[0].train.remote()
        ray.wait([ready])
        with timed(f"wait for the first of {pending}", 50):
            for _ in range(50):
                ray.wait([ready, *refs], num_returns=1, timeout=0.1)
        with timed(f"wait for all that are there of {pending}", 50):
            for _ in range(50):
                ray.wait([ready, *refs], num_returns=pending + 1, timeout=0)
    ray.kill(asleep)
    ray.shutdown()


if __name__ == "__main__":
    main()
