"""What keeps a process from joining a cluster. Real ones: tests/clusters/test_ray_nodes.py."""

from __future__ import annotations

import inspect
import socket

import pytest
from ray._private import services, worker
from ray._raylet import InnerGcsClient  # type: ignore[attr-defined]

from nightsweep.cluster.joining.address import Address
from nightsweep.cluster.joining.join import Versions, join, outside, unlike
from nightsweep.search.errors import ClusterDownError

HEAD = Address(host="10.0.0.1", port=6379, origin="--address")


def test_processes_of_the_same_versions_may_meet() -> None:
    assert unlike(HEAD, Versions("2.60.0", "3.11.7"), Versions("2.60.0", "3.11.7")) == ""


def test_of_other_versions_both_are_said() -> None:
    assert unlike(HEAD, Versions("2.60.0", "3.11.7"), Versions("2.60.0", "3.12.1")) == (
        "10.0.0.1:6379 (--address) runs Ray 2.60.0 and Python 3.11.7, and here are Ray 2.60.0 and "
        "Python 3.12.1; a cluster needs the same everywhere: start nightsweep from an environment "
        "like the cluster's"
    )


def test_only_a_node_of_the_cluster_can_drive_it() -> None:
    assert outside(HEAD, {"a", "b"}, {"b", "c"}) == ""
    assert outside(HEAD, {"a", "b"}, {"c"}) == (
        "this machine is no node of the cluster at 10.0.0.1:6379 (--address), and Ray lets only "
        "those drive it; run this on one of its machines, or add this one: ray start "
        "--address=10.0.0.1:6379"
    )


def test_a_port_that_nobody_listens_on_is_told_before_ray_is_asked() -> None:
    with socket.socket() as taken:  # bound, and so nobody else's; not listening
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ClusterDownError) as caught:
            join(Address(host="127.0.0.1", port=port, origin="RAY_ADDRESS"))
    assert str(caught.value) == (
        f"nobody answers at 127.0.0.1:{port} (RAY_ADDRESS): Connection refused; is the cluster "
        "up, and is this its head's address (`ray start --head` prints it)?"
    )


def test_what_is_private_in_ray_is_still_there() -> None:
    """If this fails, read what joins and why: join.py, and _unsaid in cluster/connect.py."""
    assert callable(InnerGcsClient.standalone)
    assert isinstance(services.find_node_ids(), set)
    assert "print_to_stdstream(" in inspect.getsource(worker.listen_error_messages)
