"""Joining a Ray cluster by its address: what can be wrong is found first, and said in a sentence.

Left to itself `ray.init` looks for a head that is not there for two minutes and then ends the
process, and tries a wrong token for twenty seconds. What is private in Ray here is guarded by
tests/cluster/joining/test_join.py.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import platform
import socket
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import ray
from ray._private import services
from ray._raylet import AuthenticationTokenLoader, Config, InnerGcsClient  # type: ignore[attr-defined]
from ray.exceptions import AuthenticationError

from ...search.errors import ClusterDownError, ClusterError
from ..token import MODE, PATH
from .address import Address

WITHIN = 5.0  # seconds to answer in
COPY = f"copy it from the cluster's head (~/.ray/auth_token there, or what its {PATH} names)"


class Versions(NamedTuple):
    """What must be the same in all processes of a cluster."""

    ray: str
    python: str

    def __str__(self) -> str:
        return f"Ray {self.ray} and Python {self.python}"


def join(address: Address, runtime_env: dict[str, Any] | None = None) -> None:
    """Make this process a driver of that cluster. `runtime_env`: of its workers.

    Errors: ClusterDownError if nobody answers there, ClusterError for whatever else keeps this
    process out.
    """
    _reach(address)
    take_token()
    theirs, nodes = _head(address)
    if problem := unlike(address, theirs, Versions(ray.__version__, platform.python_version())):
        raise ClusterError(problem)
    if problem := outside(address, nodes, services.find_node_ids()):
        raise ClusterError(problem)
    try:
        ray.init(
            address=str(address),
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env=runtime_env,
        )
    except Exception as error:
        ray.shutdown()
        first = str(error).strip().partition("\n")[0]
        raise ClusterDownError(f"{address.words} could not be joined: {first}") from error


def _reach(address: Address) -> None:
    """Errors: ClusterDownError if nobody listens there."""
    try:
        socket.create_connection((address.host, address.port), WITHIN).close()
    except OSError as error:
        why = "no answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise ClusterDownError(
            f"nobody answers at {address.words}: {why}; is the cluster up, and is this its head's "
            "address (`ray start --head` prints it)?"
        ) from None


def take_token() -> None:
    """Use the token that is here, where nothing was said about tokens, as `ray start` does."""
    loader = AuthenticationTokenLoader.instance()
    loader.reset_cache()
    try:
        found = loader.has_token(ignore_auth_mode=True)
    except AuthenticationError:
        raise ClusterError(
            f"{PATH} is {os.environ.get(PATH)}, where no token can be read; {COPY}"
        ) from None
    if found:
        os.environ.setdefault(MODE, "token")
    Config.initialize("")
    if not found and os.environ.get(MODE, "").lower() == "token":
        raise ClusterError(f"{MODE}=token, and there is none; {COPY}")


def _head(address: Address) -> tuple[Versions, set[str]]:
    """The cluster's versions, and the names of its nodes. Errors: ClusterError."""
    try:
        with _hushed():
            client = InnerGcsClient.standalone(str(address), None, int(WITHIN * 1000))
        kept = json.loads(client.internal_kv_get(b"CLUSTER_METADATA", b"cluster", timeout=WITHIN))
        nodes = {node.hex() for node in client.get_all_node_info(timeout=WITHIN)}
        return Versions(kept["ray_version"], kept["python_version"]), nodes
    except AuthenticationError:
        given = "with another token" if os.environ.get(MODE) == "token" else "without a token"
        raise ClusterError(
            f"{address.words} has a token and lets nobody in {given}; {COPY} and name it here in "
            f"{PATH}"
        ) from None
    except Exception:  # RpcError, or what an answer in another format makes
        raise ClusterDownError(
            f"what answers at {address.words} is no head of a Ray cluster, or a very slow one; "
            "`ray start --head` prints the address to use (its port is 6379, if nobody chose "
            "another; 8265 is its dashboard's, 10001 its client's)"
        ) from None


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Ray's C++ says on the terminal, too, what is raised here."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def unlike(address: Address, theirs: Versions, ours: Versions) -> str:
    """What keeps processes of different versions apart; empty if nothing does."""
    if theirs == ours:
        return ""
    return (
        f"{address.words} runs {theirs}, and here are {ours}; a cluster needs the same "
        "everywhere: start nightsweep from an environment like the cluster's"
    )


def outside(address: Address, nodes: Collection[str], here: Collection[str]) -> str:
    """What to say if no node of the cluster runs on this machine; empty if one does.

    `nodes`: the cluster's, `here`: those that run here.
    """
    if set(nodes) & set(here):
        return ""
    return (
        f"this machine is no node of the cluster at {address.words}, and Ray lets only those "
        "drive it; run this on one of its machines, or add this one: ray start "
        f"--address={address}"
    )
