"""Ray, started for this sweep alone, or the one that the program is using already."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

import ray

from ..search.errors import ClusterError
from .capacity import Node

# Tune's own records are off (the journal is the record), and so is all that asks for attention.
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "60",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
}


@contextlib.contextmanager
def connect() -> Iterator[list[Node]]:
    """The resources of each node. A Ray that was started here is ended here.

    Never joins a cluster that happens to run on this machine, or that RAY_ADDRESS names.
    """
    before = {name: os.environ.get(name) for name in QUIET}
    os.environ.update(QUIET)
    tune_log = logging.getLogger("ray.tune")
    level = tune_log.level
    own = not ray.is_initialized()
    try:
        if own:
            _start()
        tune_log.setLevel(logging.CRITICAL)
        yield [node["Resources"] for node in ray.nodes() if node["Alive"]]
    finally:
        tune_log.setLevel(level)
        if own:
            ray.shutdown()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start() -> None:
    """Start Ray on this machine alone; once more where it does not come up in time.

    A loaded machine can miss Ray's fixed 15 and 30 seconds (ray#65983). Errors: ClusterError.
    """
    for last in (False, True):
        try:
            ray.init(
                address="local",
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=200 * 1024**2,
            )
            return
        except Exception as error:
            ray.shutdown()
            if last:
                raise ClusterError(f"Ray does not start on this machine: {error}") from error
