"""Ray: started for this sweep alone, joined by its address, or what the program uses already."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from typing import Any

import ray
from ray._private import worker

from ..search.errors import ClusterDownError, ClusterError
from . import cpus
from .devices.claim import Note, claimed
from .joining.address import Address
from .joining.join import join
from .joining.lastword import LastWord, leave
from .joining.project import Project
from .joining.settle import Settler
from .leftovers import Offspring, children
from .nodes import Nodes, alive
from .token import MODE, own_token

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
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
}
# A driver whose own Ray has died would wait a minute for it, to no end.
ALONE = {"RAY_gcs_rpc_server_reconnect_timeout_s": "10"}


@contextlib.contextmanager
def connect(
    gpus: float | str = 0,
    note: Note = lambda text: None,
    *,
    address: Address | None = None,
    project: Project | None = None,
) -> Iterator[Nodes]:
    """The cluster's nodes: of `address`, or of a Ray that is started and ended here, alone.

    Never joins a cluster that merely happens to run on this machine. Ray's processes listen on all
    interfaces, so one that is started here has a token (token.py).
    `gpus`: what each trial needs of them; GPUs that others use are left alone, and `note` is told.
    `project`: what the nodes of a cluster are asked for. Errors: ClusterError.
    """
    settings = SETTINGS if address else SETTINGS | ALONE
    before = {name: os.environ.get(name) for name in (*settings, *[MODE][: bool(address)])}
    os.environ.update(settings)
    tune_log = logging.getLogger("ray.tune")
    level = tune_log.level
    _refuse_client()
    ours = not ray.is_initialized()
    own = ours and address is None
    clean, nodes = False, None
    token = contextlib.ExitStack()
    try:
        if own:
            token.enter_context(own_token())
            _start(token.enter_context(claimed(gpus, note)))
        elif address is not None:
            _join(address, note)
        tune_log.setLevel(logging.CRITICAL)
        nodes = Nodes(grows=False) if own else _settled(project, note, address)
        with nodes, _free_of(nodes), _unsaid(), _watched(nodes, project):
            yield nodes
        clean = True
    finally:
        tune_log.setLevel(level)
        if own and ray.is_initialized():
            _end(forget=clean)
        elif ours and not (nodes and nodes.gone):  # a head that is gone would be waited for
            ray.shutdown()
        token.close()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _refuse_client() -> None:
    """Errors: ClusterError if this process has joined a cluster through Ray's client.

    Ray Tune's controller runs in a driver only: it needs the session of a node.
    """
    if ray.is_initialized() and worker._global_node is None:
        raise ClusterError(
            "this program has joined a cluster through Ray's client (ray://), which cannot run a "
            "sweep; on a machine of the cluster name HOST:PORT of its head (6379, if nobody chose "
            "another) as address, and leave ray.init out"
        )


def _join(address: Address, note: Note) -> None:
    """Join a cluster. Errors: ClusterError."""
    if ray.is_initialized():
        raise ClusterError(
            f"this program uses a Ray already, so {address.words} cannot be joined; leave address "
            "out, or call ray.shutdown() before"
        )
    join(address)
    note(f"joins the Ray cluster at {address.words}")


def _settled(project: Project | None, note: Note, address: Address | None) -> Nodes:
    """The nodes, asked whether they can run the project; code that they lack is sent."""
    if project is None:
        return Nodes(grows=True)
    again = None if address is None else functools.partial(_join_again, address)
    settler = Settler(project, note, again)
    folder = settler.settle(alive())
    return Nodes(grows=True, admit=settler.admit, folder=folder)


def _watched(nodes: Nodes, project: Project | None) -> contextlib.AbstractContextManager[object]:
    """See to it that a call to a cluster that is gone does not hold this process."""
    if project is None or not nodes.grows:
        return contextlib.nullcontext()
    return LastWord(lambda: nodes.gone, lambda why: leave(why, str(project.run)))


def _join_again(address: Address, runtime_env: dict[str, Any]) -> None:
    ray.shutdown()
    join(address, runtime_env)


@contextlib.contextmanager
def _free_of(nodes: Nodes) -> Iterator[None]:
    """Let an error be printed though the cluster's head is gone: Ray would tell the head first."""
    try:
        yield
    finally:
        if nodes.gone and sys.excepthook is worker.custom_excepthook:
            sys.excepthook = worker.normal_excepthook


@contextlib.contextmanager
def _unsaid() -> Iterator[None]:
    """What Ray prints on stdout when a node is lost (the end of its log) is left out.

    That is ours to say, and stdout is for results.
    """
    said, worker.print_to_stdstream = worker.print_to_stdstream, _nothing
    try:
        yield
    finally:
        worker.print_to_stdstream = said


def _nothing(*line: object, **words: object) -> None:
    """Print nothing."""


def _start(gpus: int | None) -> None:
    """Start Ray on this machine alone; once more where it does not come up in time.

    A loaded machine can miss Ray's fixed 15 and 30 seconds (ray#65983). `gpus`: how many to count;
    None: Ray looks itself. It does not know what the process is bound to, so CPUs are counted
    here. Errors: ClusterDownError.
    """
    for last in (False, True):
        try:
            with _shielded(), cpus.unbound():
                ray.init(
                    address="local",
                    num_cpus=cpus.look().usable,
                    num_gpus=gpus,
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
