"""How many slots a cluster that grows is asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nightsweep.cluster.joining.autoscaler import LIMIT, Autoscaler, named, wanted
from nightsweep.search.resources import Resources

ONE_GPU = Resources(cpus=2, gpus=1)


@pytest.mark.parametrize(
    ("new", "slots", "busy", "count"),
    [(60, None, 0, 60), (50, None, 10, 60), (0, None, 3, 3), (60, 8, 8, 8), (None, 5, 0, 5)],
    ids=["trials", "some train", "none is new", "slots", "no limit of trials"],
)
def test_it_is_asked_for_what_could_be_filled_now(
    new: int | None, slots: int | None, busy: int, count: int
) -> None:
    assert wanted(new, slots, busy) == count


def test_a_sweep_without_limits_asks_for_no_more_than_a_thousand() -> None:
    assert wanted(None, None, 0) == LIMIT


@pytest.mark.parametrize(
    ("kinds", "grows"),
    [({"ab": "node_ab"}, False), ({"ab": "head", "cd": "gpu-workers"}, True), ({}, False)],
    ids=["counted", "named", "none"],
)
def test_a_cluster_that_grows_has_names_for_its_kinds_of_nodes(
    kinds: dict[str, str], grows: bool
) -> None:
    assert named(json.dumps({"autoscaler_report": {"node_type_mapping": kinds}}).encode()) is grows


def test_one_without_any_autoscaler_does_not_grow() -> None:
    assert not named(b"{}")


class Asked:
    """What Ray is asked for."""

    def __init__(self) -> None:
        self.bundles: list[list[dict[str, float]]] = []

    def __call__(self, *, bundles: list[dict[str, float]]) -> None:
        self.bundles.append(bundles)


def test_it_is_asked_once_and_the_request_is_withdrawn() -> None:
    asked = Asked()
    autoscaler = Autoscaler(True, asked)
    for slots in (2, 2, 1):
        autoscaler.ask(slots, ONE_GPU)
    autoscaler.withdraw()
    autoscaler.withdraw()
    each: dict[str, Any] = {"CPU": 2, "GPU": 1}
    assert asked.bundles == [[each, each], [each], []]


def test_where_nothing_starts_nodes_nothing_is_asked() -> None:
    asked = Asked()
    autoscaler = Autoscaler(False, asked)
    autoscaler.ask(5, ONE_GPU)
    autoscaler.withdraw()
    assert asked.bundles == []


def test_a_head_that_is_away_costs_the_request_only() -> None:
    def away(**words: Any) -> None:
        raise ConnectionError("no answer")

    autoscaler = Autoscaler(True, away)
    autoscaler.ask(5, ONE_GPU)
    autoscaler.withdraw()
