"""What Kubernetes would refuse is refused in the sweep file, by its key."""

from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search.errors import SweepError
from nightsweep.search.kubernetes import taint
from nightsweep.search.sites import Kubernetes
from nightsweep.search.sweep import Sweep


def asked(**values: Any) -> Kubernetes:
    """A sweep's `submit.kubernetes`."""
    parameters = {"lr": {"min": 0.0, "max": 1.0}}
    sweep = Sweep(metric="loss", parameters=parameters, submit={"kubernetes": values})
    return sweep.submit.kubernetes


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"memory": "64GB"}, "submit.kubernetes.memory: '64GB' is no amount of memory as Kuber"),
        ({"memory": "64GB"}, "write 64Gi"),
        ({"memory": "0Gi"}, "'0Gi' is no amount"),
        ({"memory": "much"}, "write 16Gi"),
        ({"namespace": "My_Team"}, "submit.kubernetes.namespace: 'My_Team' is no name of a names"),
        (
            {"image": "Team/Digits"},
            "submit.kubernetes.image: 'Team/Digits' is no name of an image",
        ),
        ({"image": "a b"}, "is no name of an image"),
        ({"runs": "runs"}, "submit.kubernetes.runs: 'runs' is no folder in a container"),
        ({"folder": "/a/../b"}, "is no folder in a container"),
        ({"volumes": {"Team Runs": "/runs"}}, "submit.kubernetes.volumes: 'Team Runs' is no name"),
        ({"volumes": {"a": "runs"}}, "'runs' is no folder"),
        ({"volumes": {"a": "/x", "b": "/x"}}, "two claims are mounted on one folder"),
        ({"tolerations": "gpu:Never"}, "'Never' in 'gpu:Never' is no effect of a taint"),
        ({"tolerations": "a b"}, "is no key of a label or taint"),
        ({"selector": {"pool": "a b"}}, "submit.kubernetes.selector: 'a b' is no label of a node"),
        ({"gpu": "nvidia"}, "submit.kubernetes.gpu: 'nvidia' is no resource of a node"),
        ({"priority": "High!"}, "submit.kubernetes.priority: 'High!' is no name in Kubernetes"),
        ({"workers": 0}, "submit.kubernetes.workers: must be at least 1, not 0"),
        ({"gpus": 0.5}, "submit.kubernetes.gpus: must be a whole number, not 0.5"),
        ({"retries": -1}, "submit.kubernetes.retries: must be at least 0"),
        ({"tiem": "8h"}, 'Did you mean "time"?'),
    ],
)
def test_a_value_that_kubernetes_refuses_is_refused_by_its_key(
    values: dict[str, Any], said: str
) -> None:
    with pytest.raises(SweepError) as refused:
        asked(**values)
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_what_kubernetes_takes_is_taken() -> None:
    taken = asked(
        image="ghcr.io/team/digits@sha256:0123456789abcdef",
        memory="1.5Ti",
        volumes={"team-runs": "/runs", "data.v2": "/mnt/data/"},
        selector={"pool": "spot", "cloud.google.com/gke-spot": True, "zone": 3},
        tolerations="nvidia.com/gpu:NoSchedule",
        gpu="nvidia.com/mig-1g.5gb",
        time="8h",
    )
    assert taken.memory == "1.5Ti"
    assert taken.selector == {"pool": "spot", "cloud.google.com/gke-spot": "true", "zone": "3"}
    assert taken.tolerations == ("nvidia.com/gpu:NoSchedule",)
    assert taken.time == 8 * 3600


def test_a_taint_is_read_as_kubectl_writes_it() -> None:
    assert taint("dedicated=ann:NoSchedule") == ("dedicated", "ann", "NoSchedule")
    assert taint("nvidia.com/gpu:NoExecute") == ("nvidia.com/gpu", "", "NoExecute")
    assert taint("spot") == ("spot", "", "")
