from __future__ import annotations

from typing import Any

import pytest
from ray.exceptions import OutOfMemoryError, RayActorError

from nightsweep.cluster import crew
from nightsweep.cluster.crew import BREATH, Crew


class Ref:
    """A result; `there` once it has come."""

    def __init__(self, value: Any = None, there: bool = False) -> None:
        self.value, self.there = value, there


class FakeRay:
    """Ray's futures, on a clock of the test's own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks: list[int] = []  # at how many futures

    def wait(
        self, refs: list[Ref], *, num_returns: int, timeout: float | None
    ) -> tuple[list[Ref], list[Ref]]:
        self.looks.append(len(refs))
        ready = [ref for ref in refs if ref.there][:num_returns]
        return ready, [ref for ref in refs if ref not in ready]

    def get(self, ref: Ref) -> Any:
        return ref.value


class Resources:
    """No resources are waited for, unless a test says so."""

    def __init__(self) -> None:
        self.futures: list[Ref] = []
        self.updates = 0

    def get_resource_futures(self) -> list[Ref]:
        return self.futures

    def update_state(self) -> None:
        self.updates += 1


class Scene:
    """A crew whose slots' results are refs that the test makes."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.ray, self.resources = FakeRay(), Resources()
        patch.setattr(crew, "ray", self.ray)
        patch.setattr("ray.air.execution._internal.event_manager.ray", self.ray)
        self.heard: list[str] = []
        self.failed = False
        manager: Any = self.resources
        self.crew = Crew(manager, failed=lambda: self.failed, clock=lambda: self.ray.now)

    def waits(self, name: str, *, there: bool = False, takes: float = 0.0) -> Ref:
        """A result that is to come; it takes seconds to deal with."""
        ref = Ref(name, there)

        def heard(value: str) -> None:
            self.ray.now += takes
            self.heard.append(value)

        future: Any = ref
        self.crew._actor_task_events.track_future(future, on_result=heard)
        return ref


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_all_that_have_come_are_heard_at_two_looks_the_longest_waiting_first(scene: Scene) -> None:
    for number in range(1000):
        scene.waits(f"slot {number}", there=number % 2 == 0)
    assert scene.crew.next(timeout=0.1)
    assert scene.heard == [f"slot {number}" for number in range(0, 1000, 2)]
    assert scene.ray.looks == [1000, 999], "a look costs more, the more slots there are"


def test_where_nothing_comes_nothing_has_happened(scene: Scene) -> None:
    scene.waits("slot")
    assert not scene.crew.next(timeout=0.1)
    assert scene.heard == []


def test_after_a_while_it_returns_so_that_others_have_their_turn_and_goes_on_next_time(
    scene: Scene,
) -> None:
    for number in range(10):
        scene.waits(f"slot {number}", there=True, takes=0.1)
    scene.crew.next(timeout=0.1)
    assert len(scene.heard) == 3
    assert BREATH < scene.ray.now < BREATH + 0.1
    scene.crew.next(timeout=0.1)
    assert scene.heard[3:6] == ["slot 3", "slot 4", "slot 5"]


def test_once_something_went_wrong_nothing_more_is_heard(scene: Scene) -> None:
    for name in ("first", "second"):
        scene.waits(name, there=True)
    scene.failed = True
    scene.crew.next(timeout=0.1)
    assert scene.heard == ["first"]


def test_a_result_of_a_slot_that_ends_meanwhile_is_not_heard(scene: Scene) -> None:
    events = scene.crew._actor_task_events
    first: Any = Ref("first", there=True)
    second: Any = scene.waits("second", there=True)
    events._tracked_futures = {
        first: (lambda _: events.discard_future(second), None),
        **events._tracked_futures,
    }
    assert scene.crew.next(timeout=0.1)
    assert scene.heard == []


def test_resources_that_have_come_are_looked_after(scene: Scene) -> None:
    scene.resources.futures = [Ref(there=True)]
    scene.crew.next(timeout=0.1)
    assert scene.resources.updates == 1


def test_results_that_were_heard_are_forgotten(scene: Scene) -> None:
    asked: list[Ref] = []

    class Method:
        def remote(self) -> Ref:
            asked.append(Ref("a step", there=True))
            return asked[-1]

    actor: Any = type("Actor", (), {"actor_id": 1, "_on_error": None})()
    worker: Any = type("Handle", (), {"train": Method()})()
    scene.crew._live_actors_to_ray_actors_resources[actor] = (worker, None)  # type: ignore[assignment]
    for _ in range(5):
        scene.crew.schedule_actor_task(actor, "train", on_result=lambda *_: None)
        scene.crew.next(timeout=0.1)
    assert len(asked) == 5
    assert len(scene.crew._tracked_actors_to_task_futures[actor]) == 1


def test_a_memory_kill_is_handled_as_a_lost_worker(scene: Scene) -> None:
    seen: list[Exception] = []
    actor: Any = type("Actor", (), {"actor_id": 1, "_on_error": None})()
    task: Any = type("Task", (), {"_tracked_actor": actor, "_on_error": None})()
    task._on_error = lambda _, error: seen.append(error)
    scene.crew._live_actors_to_ray_actors_resources[actor] = (None, None)  # type: ignore[assignment]
    scene.resources.free_resources = lambda acquired_resource: None  # type: ignore[attr-defined]
    scene.crew._actor_task_failed(task, OutOfMemoryError("the node ran out"))
    assert isinstance(seen[0], RayActorError)
    assert "the node ran out" in str(seen[0])
