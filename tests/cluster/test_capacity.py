import pytest

from nightsweep.cluster.capacity import Node, capacity, sharing
from nightsweep.search.errors import ClusterError
from nightsweep.search.resources import Resources

AUTO = Resources(gpus="auto")


def node(cpus: float, gpus: float = 0) -> Node:
    """A node as Ray describes it: what it has none of is not named."""
    return {"CPU": cpus, "memory": 1e9, **({"GPU": gpus} if gpus else {})}


def fits(nodes: list[Node], cpus: float = 1, gpus: float = 0) -> int:
    return capacity(nodes, Resources(cpus=cpus, gpus=gpus))


def refusal(nodes: list[Node], cpus: float = 1, gpus: float = 0) -> str:
    with pytest.raises(ClusterError) as caught:
        fits(nodes, cpus, gpus)
    return str(caught.value)


@pytest.mark.parametrize(
    ("each", "expected"), [(1, 8), (2, 4), (3, 2), (8, 1), (0.5, 16), (0.1, 80)]
)
def test_cpus_are_shared_out(each: float, expected: int) -> None:
    assert fits([node(8)], cpus=each) == expected


def test_a_trial_lies_on_one_node() -> None:
    assert fits([node(3), node(3)], cpus=2) == 2


def test_nodes_too_small_for_a_trial_are_left_out() -> None:
    assert fits([node(1), node(8)], cpus=4) == 2


@pytest.mark.parametrize(
    ("each", "expected"), [(0.5, 4), (0.25, 8), (0.1, 20), (0.6, 2), (0.3, 6)]
)
def test_parts_of_gpus_never_span_two_of_them(each: float, expected: int) -> None:
    assert fits([node(64, gpus=2)], gpus=each) == expected


@pytest.mark.parametrize(("each", "expected"), [(1, 4), (2, 2), (3, 1), (4, 1)])
def test_whole_gpus_are_shared_out(each: float, expected: int) -> None:
    assert fits([node(64, gpus=4)], gpus=each) == expected


def test_what_there_is_least_of_decides() -> None:
    assert fits([node(3, gpus=8)], cpus=1, gpus=0.5) == 3
    assert fits([node(64, gpus=1)], cpus=1, gpus=0.5) == 2


def test_a_trial_that_asks_for_a_gpu_alone_is_not_held_back_by_cpus() -> None:
    assert fits([node(1, gpus=4)], cpus=0, gpus=1) == 4


def test_nodes_without_gpus_take_no_trial_that_needs_one() -> None:
    assert fits([node(64), node(8, gpus=2)], gpus=1) == 2


def test_too_many_cpus_are_refused_with_what_there_is() -> None:
    assert refusal([node(1), node(2)], cpus=4) == (
        "each trial asks for 4 CPUs and 0 GPUs, but the largest node has 2 CPUs and 0 GPUs; "
        "lower resources in the sweep"
    )


def test_too_many_gpus_are_refused_with_what_there_is() -> None:
    assert refusal([node(64), node(8, gpus=1)], gpus=2) == (
        "each trial asks for 1 CPU and 2 GPUs, but the largest node has 8 CPUs and 1 GPU; "
        "lower resources in the sweep"
    )


def test_a_cluster_without_nodes_is_refused() -> None:
    assert refusal([], gpus=0.5) == (
        "each trial asks for 1 CPU and 0.5 GPUs, but the largest node has nothing: "
        "there is no node; lower resources in the sweep"
    )


def test_at_auto_each_of_the_first_trials_has_a_gpu() -> None:
    assert capacity([node(8, gpus=2), node(8, gpus=1)], AUTO) == 3


def test_auto_without_a_gpu_is_refused_with_what_to_write() -> None:
    with pytest.raises(ClusterError) as caught:
        capacity([node(64), node(8)], AUTO)
    assert str(caught.value) == (
        "resources.gpus is auto, but there is no GPU here; write gpus: 0 to train on CPUs"
    )


@pytest.mark.parametrize(
    ("cpus", "trials", "each"), [(64, 100, 8), (6, 100, 3), (2, 100, 1), (64, 4, 2), (64, 1, 1)]
)
def test_no_more_need_share_a_gpu_than_there_are_cpus_and_trials_for(
    cpus: float, trials: int, each: int
) -> None:
    nodes = [node(cpus, gpus=2)]
    assert sharing(nodes, AUTO, lambda fits: min(fits, trials), most=8) == each
