"""Which Ray is asked for: said with the command, in the environment, or nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from ray._private.utils import read_ray_address, write_ray_address

from nightsweep.cluster.joining.address import Address, asked, left
from nightsweep.search.errors import ClusterError

HEAD = "10.0.0.1:6379"


def nowhere() -> None:
    """No `ray start` has left an address."""


def test_without_a_word_a_sweep_has_a_ray_of_its_own() -> None:
    assert asked(None, {}, lambda: HEAD) is None
    assert asked(None, {"RAY_ADDRESS": ""}, lambda: HEAD) is None


def test_an_address_is_taken_from_the_command_before_the_environment() -> None:
    found = asked("10.0.0.2:1234", {"RAY_ADDRESS": HEAD}, nowhere)
    assert found == Address(host="10.0.0.2", port=1234, origin="--address")
    other = asked(None, {"RAY_ADDRESS": HEAD}, nowhere)
    assert other is not None
    assert other.words == "10.0.0.1:6379 (RAY_ADDRESS)"


def test_local_overrides_the_environment() -> None:
    assert asked("local", {"RAY_ADDRESS": HEAD}, lambda: HEAD) is None
    assert asked(None, {"RAY_ADDRESS": "local"}, lambda: HEAD) is None


def test_auto_is_the_environments_or_what_ray_start_has_left() -> None:
    found = [asked("auto", {"RAY_ADDRESS": HEAD}, nowhere), asked("auto", {}, lambda: HEAD)]
    assert [one.words for one in found if one] == [
        "10.0.0.1:6379 (RAY_ADDRESS)", "10.0.0.1:6379 (--address: auto)",
    ]  # fmt: skip


def test_auto_without_a_cluster_says_what_to_do() -> None:
    with pytest.raises(ClusterError) as caught:
        asked("auto", {}, nowhere)
    assert str(caught.value) == (
        "--address: auto is the cluster that `ray start` began on this machine, and there is "
        "none; start one (ray start --head), or write HOST:PORT or local"
    )


def test_an_address_of_six_bytes_a_group_is_read_and_written() -> None:
    found = asked("[fd00::1]:6379", {}, nowhere)
    assert found is not None
    assert (found.host, str(found)) == ("fd00::1", "[fd00::1]:6379")


@pytest.mark.parametrize("text", ["", "head", "head:", "head:0", "head:70000", "a b:6379", ":1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ClusterError) as caught:
        asked(text, {}, nowhere)
    assert str(caught.value) == (
        f"--address: {text!r} is no address; write HOST:PORT of a cluster's head, auto, or local"
    )


def test_rays_client_is_refused_with_what_to_use_instead() -> None:
    with pytest.raises(ClusterError, match=r"ray://head:10001 is for Ray's client") as caught:
        asked("ray://head:10001", {}, nowhere)
    assert "write HOST:PORT" in str(caught.value)
    assert "nightsweep submit --to ray" in str(caught.value)


def test_what_ray_start_leaves_is_found_where_ray_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contract with Ray: ray._private.utils.get_ray_address_file."""
    assert left({"RAY_TMPDIR": str(tmp_path)}) is None
    (tmp_path / "ray").mkdir()
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    write_ray_address(HEAD)
    assert read_ray_address() == HEAD == left({"RAY_TMPDIR": str(tmp_path)})
