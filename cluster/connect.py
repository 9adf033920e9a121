"""Ray, started for this sweep alone, or the one that the program is using already."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from typing import Any

import ray
from ray._private import worker

from ..search.errors import ClusterDownError
from .leftovers import Offspring, children
from .nodes import Nodes
from .token import own_token

# Tune's own records are off (the journal is the record), and so is all that asks for attention.
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "60",
    "TUNE_STATE_REFRESH_PERIOD": "1000000000",  # asks a head that may be away, for a message
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    # A driver whose Ray has died would wait a minute for it, to no end.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "10",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
}


@contextlib.contextmanager
def connect() -> Iterator[Nodes]:
    """The cluster's nodes. A Ray that was started here is ended here; it stays alone.

    Never joins a cluster that happens to run on this machine, or that RAY_ADDRESS names. Ray's
    processes listen on all interfaces, so one that is started here has a token (token.py).
    """
    before = {name: os.environ.get(name) for name in SETTINGS}
    os.environ.update(SETTINGS)
    tune_log = logging.getLogger("ray.tune")
    level = tune_log.level
    own = not ray.is_initialized()
    clean = False
    token = contextlib.ExitStack()
    try:
        if own:
            token.enter_context(own_token())
            _start()
        tune_log.setLevel(logging.CRITICAL)
        with Nodes(grows=not own) as nodes, _free_of(nodes):
            yield nodes
        clean = True
    finally:
        tune_log.setLevel(level)
        if own and ray.is_initialized():
            _end(forget=clean)
        token.close()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _free_of(nodes: Nodes) -> Iterator[None]:
    """Let an error be printed though the cluster's head is gone: Ray would tell the head first."""
    try:
        yield
    finally:
        if nodes.gone and sys.excepthook is worker.custom_excepthook:
            sys.excepthook = worker.normal_excepthook


def _start() -> None:
    """Start Ray on this machine alone; once more where it does not come up in time.

    A loaded machine can miss Ray's fixed 15 and 30 seconds (ray#65983). Errors: ClusterDownError.
    """
    for last in (False, True):
        try:
            with _shielded():
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
                raise ClusterDownError(f"Ray does not start on this machine: {error}") from error


@contextlib.contextmanager
def _shielded() -> Iterator[None]:
    """Processes that are started meanwhile hear neither SIGTERM nor SIGHUP.

    Ray sees to that for Ctrl-C. `timeout`, Slurm and systemd send SIGTERM to every process of a
    job, a terminal that is closed SIGHUP. Ray's would end under the trials, which could not be
    saved any more. One that comes to this process waits.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(*, forget: bool) -> None:
    """End the Ray that was started here; `forget`: remove its logs too.

    Its processes would each be waited for, since they do not hear SIGTERM. They are killed; so
    are their children, of which two would look for their raylet a minute longer.
    """
    node: Any = ray._private.worker._global_node
    started = [info.process for infos in node.all_processes.values() for info in infos]
    alive = [process for process in started if process.poll() is None]
    left = Offspring(children(process.pid for process in alive))
    for process in alive:
        process.terminate = process.kill
    ray.shutdown()
    left.end()
    if forget:
        shutil.rmtree(node.get_session_dir_path(), ignore_errors=True)
