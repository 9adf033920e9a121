"""`gpus: auto` on a real Ray with two GPUs in name only: what is read of them is made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

import nightsweep
from nightsweep.cluster.devices.device import Device, Reading
from nightsweep.cluster.devices.sampler import Usage
from nightsweep.cluster.keeper import Keeper
from nightsweep.cluster.loop import Loop
from nightsweep.cluster.nodes import Member
from nightsweep.cluster.seating import Place
from nightsweep.cluster.shares import Shares
from nightsweep.cluster.stopping import StopRequest
from nightsweep.cluster.work import Work
from nightsweep.search import journal
from nightsweep.search.events import Interrupted, Reported, Shared, Started
from nightsweep.search.ledger import Ledger
from nightsweep.search.resources import Resources
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.study import Status, Study
from nightsweep.search.sweep import Sweep
from nightsweep.trainables.job import Step

from .conftest import Evening
from .nodes import Heard

if TYPE_CHECKING:
    from nightsweep.cluster.engine import Engine


NODE = {"a": Member("node-1", {"CPU": 64.0, "GPU": 2.0})}


class Slots:
    """An engine that only remembers how its slots were reshaped."""

    def __init__(self) -> None:
        self.reshaped: list[tuple[float, int, str]] = []

    def reshape(self, needs: Resources, slots: int, why: str) -> None:
        self.reshaped.append((needs.most_gpus, slots, why))


def read(shares: Shares, *, busy: float, seconds: float = 20.0) -> None:
    """Three epochs of trial 1 on GPU 0, and what was read of them."""
    assert shares.sharing is not None
    gpu = Device(index=0, uuid="GPU-0", name="Imagined", memory=80 * 10**9)
    usage = Usage(device=gpu, memory=10**9, busy=busy, seconds=seconds)
    place = Place(host="node-1", pid=1, device="cuda:0", gpus=shares.needs.most_gpus)
    for epoch in range(1, 5):
        step = Step(trial=1, epoch=epoch, metrics={}, seconds=seconds)
        shares.sharing.heard("slot", place, usage, [step], {"slot": Work(1)})


def follow(shares: Shares) -> list[tuple[float, int, str]]:
    """How the slots are reshaped now, if at all; ten trials are wanted at most."""
    slots = Slots()
    shares.follow(cast("Engine", slots), NODE, lambda fits: min(fits, 10))
    return slots.reshaped


def test_what_is_found_is_recorded_said_and_becomes_the_slots_shape(
    begin: Callable[..., Evening],
) -> None:
    evening, notes = begin(resources={"cpus": 1, "gpus": "auto"}), list[str]()
    shares = Shares(evening.study, evening.keeper, notes.append)
    assert (follow(shares), shares.needs.most_gpus) == ([], 1.0)
    read(shares, busy=0.35)
    why = (
        "3 trials share a GPU: one keeps it busy 35% of the time, and trial 1 takes 1 GB of 80 GB"
    )
    assert follow(shares) == [(0.3333, 6, why)]
    assert follow(shares) == []
    assert notes == [why]
    assert evening.keeper.ledger.shared == Shared(each=3, most=8, memory=10**9, reason=why)


def test_slots_that_have_the_right_shape_are_left_as_they_are(
    begin: Callable[..., Evening],
) -> None:
    evening, notes = begin(resources={"cpus": 1, "gpus": "auto"}), list[str]()
    shares = Shares(evening.study, evening.keeper, notes.append)
    read(shares, busy=0.9)
    assert follow(shares) == []
    assert notes == [
        "one trial a GPU: one keeps it busy 90% of the time, and trial 1 takes 1 GB of 80 GB"
    ]


def test_the_next_driver_goes_on_with_what_was_found(begin: Callable[..., Evening]) -> None:
    evening = begin(resources={"cpus": 1, "gpus": "auto"})
    evening.record(Shared(each=4, most=8, memory=10**9, reason=""))
    assert Shares(evening.study, evening.keeper, print).needs.most_gpus == 0.25


def test_a_sweep_that_says_how_many_share_a_gpu_is_not_measured(
    begin: Callable[..., Evening],
) -> None:
    evening = begin(resources={"cpus": 1, "gpus": 0.5})
    shares = Shares(evening.study, evening.keeper, print)
    assert shares.sharing is None
    assert (follow(shares), shares.needs) == ([], evening.sweep.resources)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
def test_trials_begin_one_a_gpu_and_then_as_many_share_one_as_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each needs 0.4 of a GPU: two are to share one, without an epoch lost or repeated."""
    monkeypatch.setattr("nightsweep.cluster.devices.sharing.READ", 1.0)
    here = tmp_path / "here"  # what trains on which GPU, moment by moment
    here.mkdir()

    class Reader:
        def devices(self) -> Sequence[Device]:
            return [
                Device(index=n, uuid=f"GPU-{n}", name="Imagined", memory=10_000_000_000)
                for n in range(2)
            ]

        def read(self, device: Device) -> Reading:
            import os

            return Reading(used=0, utilisation=0.3, processes={os.getpid(): 4_000_000_000})

    def train(config: dict[str, Any], trial: nightsweep.Trial) -> None:
        import os
        import time

        import torch

        model = torch.nn.Linear(1, 1)
        trial.keep(model=model)
        for epoch in trial.epochs():
            gpu = os.environ["CUDA_VISIBLE_DEVICES"]
            mine = here / f"{gpu}-{trial.id}"
            mine.touch()
            beside = len(list(here.glob(f"{gpu}-*")))
            time.sleep(0.1)
            while trial.id <= 2 and epoch == 4 and not trial._link.halting:
                time.sleep(0.01)
            mine.unlink()
            trial.report(loss=1 / epoch, gpu=int(gpu), beside=beside)

    sweep = Sweep(
        metric="loss", parameters={"x": {"values": list(range(6))}}, sampler="grid",
        scheduler="none", max_epochs=8, resources={"cpus": 0.25, "gpus": "auto"},
    )  # fmt: skip
    keeper, heard = Keeper(RunFolder.create(tmp_path / "run"), Ledger()), Heard()
    study = Study(sweep, keeper.record)
    loop = Loop(study, keeper, heard, StopRequest(), before=0.0, reader=Reader)
    loop.run(train, tmp_path)
    keeper.close()

    assert loop.done
    assert study.counts == {Status.COMPLETED: 6}
    events = [entry.event for entry in journal.read(keeper.folder.journal)]
    shared = [event for event in events if isinstance(event, Shared)]
    assert [event.each for event in shared] == [2]
    assert heard.notes == [shared[0].reason]
    assert shared[0].reason.startswith("2 trials share a GPU: one keeps it busy ")
    assert shared[0].reason.endswith(" takes 4 GB of 10 GB")
    reports = [event for event in events if isinstance(event, Reported)]
    assert Counter((event.trial, event.epoch) for event in reports) == {
        (trial, epoch): 1 for trial in range(1, 7) for epoch in range(1, 9)
    }
    moved = [event for event in events if isinstance(event, Interrupted)]
    assert {event.reason for event in moved} == {shared[0].reason}
    assert [event.epoch > 0 for event in moved] == [True, True], "they had not been saved"
    starts = [event.gpus for event in events if isinstance(event, Started)]
    assert starts == [1.0] * 2 + [0.5] * 6
    before = events.index(shared[0])
    assert {event.metrics["beside"] for event in reports if events.index(event) < before} == {1}
    assert max(event.metrics["beside"] for event in reports) == 2
    assert Counter(event.metrics["gpu"] for event in reports).keys() == {0, 1}
