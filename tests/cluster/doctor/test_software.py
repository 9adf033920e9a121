"""What the doctor says of versions, and of the cluster that the environment names."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError

from nightsweep.cluster.doctor.finding import Finding, Level
from nightsweep.cluster.doctor.software import alive, cluster, findings, packages
from nightsweep.cluster.joining.address import Address
from nightsweep.search.errors import ClusterError

WANTED = ["ray[tune]==2.60.*", "torch>=2.6", "optuna==5.0.*", 'ruff; extra == "dev"']
RIGHT = {"ray": "2.60.1", "torch": "2.13.0+cpu", "optuna": "5.0.2"}


def told(**versions: str) -> list[Finding]:
    there = {name: found for name, found in (RIGHT | versions).items() if found}

    def installed(name: str) -> str:
        if name not in there:
            raise PackageNotFoundError(name)
        return there[name]

    needed = packages(WANTED, installed)
    return list(findings("3.11.7", "0.1.0", needed))


def bad(**versions: str) -> Finding:
    (found,) = (one for one in told(**versions) if one.level is not Level.FINE)
    return found


def test_the_versions_that_matter_are_told() -> None:
    assert [one.said for one in told()] == [
        "nightsweep 0.1.0, Python 3.11.7, ray 2.60.1, torch 2.13.0+cpu, optuna 5.0.2"
    ]


def test_a_version_that_nightsweep_is_not_made_for_limits() -> None:
    found = bad(ray="2.61.0")
    assert found.level is Level.LIMITS
    assert found.said == "ray 2.61.0, and nightsweep is made for ray[tune]==2.60.*"
    assert found.advice == "pip install 'ray[tune]==2.60.*'"


def test_a_package_that_is_missing_stops_a_sweep() -> None:
    found = bad(optuna="")
    assert found.level is Level.STOPS
    assert found.said == "optuna is not installed, and nightsweep is made for optuna==5.0.*"


def test_a_version_before_its_release_counts_as_it() -> None:
    assert {one.level for one in told(torch="2.14.0.dev20261101")} == {Level.FINE}


def test_without_an_address_a_sweep_has_a_ray_of_its_own() -> None:
    assert cluster(lambda: None).said == "a sweep starts a Ray of its own here"


def test_a_cluster_that_a_sweep_would_join_is_named() -> None:
    found = cluster(lambda: Address(host="10.0.0.1", port=6379, origin="RAY_ADDRESS"))
    assert found.said == (
        "a sweep joins the Ray cluster at 10.0.0.1:6379 (RAY_ADDRESS); what is said here holds "
        "for this machine only"
    )


def test_an_address_that_is_none_stops_a_sweep() -> None:
    def ask() -> None:
        raise ClusterError("RAY_ADDRESS: that is no address")

    assert cluster(ask).level is Level.STOPS


def test_what_is_installed_here_is_right() -> None:
    assert [one for one in packages() if not one.right] == []


def test_a_ray_that_does_not_start_stops_a_sweep() -> None:
    assert alive(3.21).said == "starts here, and has run a task after 3.2 s"
    found = alive(None, "Ray does not start on this machine: no room")
    assert (found.level, found.said) == (
        Level.STOPS,
        "Ray does not start on this machine: no room",
    )
