"""What we rely on in Ray 2.60 without its promise; if a test fails, read cluster/engine.py."""

from __future__ import annotations

import inspect
import re
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray import tune
from ray._private import worker
from ray._private.authentication import authentication_token_setup
from ray._raylet import AuthenticationTokenLoader  # type: ignore[attr-defined]
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import OutOfMemoryError
from ray.train._internal import session
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import TrialScheduler
from ray.tune.utils import resource_updater

from nightsweep.cluster.worker import Worker


def test_ray_is_the_version_that_was_read() -> None:
    assert ray.__version__.startswith("2.60.")


def test_an_idle_slot_is_left_alone_by_noop() -> None:
    source = inspect.getsource(TuneController._execute_action)
    assert "elif decision == TrialScheduler.NOOP:\n            pass" in source
    assert TrialScheduler.NOOP not in (TrialScheduler.CONTINUE, TrialScheduler.STOP)


def test_the_start_callback_comes_before_the_first_step() -> None:
    source = inspect.getsource(TuneController._actor_started)
    assert source.index("on_trial_start") < source.index("_schedule_trial_train")
    assert source.index("set_ray_actor") < source.index("on_trial_start")


def test_a_slot_is_given_orders_and_asked_for_a_step_as_tune_itself_asks() -> None:
    source = inspect.getsource(TuneController._schedule_trial_train)
    for given in (
        "trial=trial",
        "method_name=method_name",
        "args=args",
        "on_result=self._on_training_result",
        "on_error=self._trial_task_failure",
    ):
        assert given in source
    assert 'method_name = "train"' in source


def test_tune_needs_nothing_of_a_result_that_a_worker_does_not_say() -> None:
    handled = inspect.getsource(TuneController._process_trial_result)
    handled += inspect.getsource(tune.experiment.Trial.update_last_result)
    assert set(re.findall(r"result\[(.+?)\]", handled)) == set(), "something must be there"


def test_the_manager_of_actors_keeps_these_and_calls_these() -> None:
    manager: Any = RayActorManager(resource_manager=None)  # type: ignore[arg-type]
    assert manager._actor_task_events._tracked_futures == {}
    assert manager._actor_state_events._tracked_futures == {}
    assert manager._tracked_actors_to_task_futures == {}
    assert manager._pending_actors_to_attrs == {}
    source = inspect.getsource(RayActorManager.next)
    for called in ("_try_kill_actor()", "_try_start_actors()", "get_resource_futures()"):
        assert called in source
    parameters = list(inspect.signature(manager._schedule_tracked_actor_task).parameters)
    assert parameters[0] == "tracked_actor_task"


def test_tune_still_remembers_every_result_so_that_forgetting_is_ours() -> None:
    source = inspect.getsource(RayActorManager)
    assert source.count("_tracked_actors_to_task_futures[tracked_actor].add(future)") == 1
    assert "_tracked_actors_to_task_futures[tracked_actor].remove" not in source


def test_a_slot_is_ended_by_stop_and_its_process_goes_when_events_are_seen_to() -> None:
    source = inspect.getsource(TuneController._execute_action)
    assert "decision == TrialScheduler.STOP:\n            self.stop_trial(trial)" in source
    assert list(inspect.signature(TuneController.stop_trial).parameters) == ["self", "trial"]
    assert list(inspect.signature(RayActorManager.next).parameters) == ["self", "timeout"]
    assert "_cleanup_stopping_actors" in inspect.getsource(TuneController.on_step_end)


def test_the_controller_takes_what_the_engine_gives_it() -> None:
    parameters = inspect.signature(TuneController.__init__).parameters
    used = {"search_alg", "scheduler", "callbacks", "storage", "trial_checkpoint_config",
            "checkpoint_period"}  # fmt: skip
    assert used <= set(parameters)
    assert callable(TuneController.update_max_pending_trials)


def test_the_number_of_slots_can_change_but_none_is_as_many_as_tune_likes() -> None:
    source = inspect.getsource(TuneController.update_max_pending_trials)
    assert "self._max_pending_trials = max_pending_trials or" in source


def test_tune_asks_the_head_for_what_there_is_as_seldom_as_this_setting_says() -> None:
    source = inspect.getsource(resource_updater._ResourceUpdater.__init__)
    assert 'os.environ.get("TUNE_STATE_REFRESH_PERIOD"' in source


def test_ray_tells_its_head_of_an_error_before_it_is_printed() -> None:
    source = inspect.getsource(worker.custom_excepthook)
    assert source.index("add_worker") < source.index("normal_excepthook(type, value, tb)")
    assert callable(worker.normal_excepthook)


def test_tune_still_ends_a_run_on_a_memory_kill_so_ours_is_needed() -> None:
    task: Any = SimpleNamespace(_tracked_actor=None, _on_error=None)
    manager: Any = RayActorManager
    with pytest.raises(RuntimeError, match="Caught unexpected exception"):
        manager._actor_task_failed(SimpleNamespace(), task, OutOfMemoryError("killed"))


def test_the_actor_manager_looks_its_failure_handler_up_when_a_task_fails() -> None:
    source = inspect.getsource(RayActorManager._schedule_tracked_actor_task)
    assert (
        "self._actor_task_failed(\n                tracked_actor_task=tracked_actor_task, "
        "exception=exception" in source
    )


def test_tune_functions_find_their_trial_in_this_variable() -> None:
    class Session:
        loaded_checkpoint = None

        def __init__(self) -> None:
            self.reported: list[Any] = []

        def report(self, metrics: Any, *, checkpoint: Any = None) -> None:
            self.reported.append((metrics, checkpoint))

    ours: Any = Session()
    session._session = ours
    try:
        tune.report({"loss": 1.0})
        assert tune.get_checkpoint() is None
    finally:
        session._session = None
    assert ours.reported == [({"loss": 1.0}, None)]


def test_a_class_of_tunes_takes_its_place_and_its_trial_as_we_give_them() -> None:
    source = inspect.getsource(tune.Trainable.__init__)
    for said in ("self.config.pop(TRIAL_INFO, None)", "storage.trial_fs_path", "_iteration = 0"):
        assert said in source
    source = inspect.getsource(tune.Trainable._setup_logdir)
    assert "self._storage.trial_working_directory" in source
    assert 'os.environ.get(RAY_CHDIR_TO_TRIAL_DIR, "1")' in source
    assert "self._storage.persist_artifacts()" in inspect.getsource(tune.Trainable.train)


def test_the_token_that_ray_has_read_can_be_forgotten() -> None:
    # cluster/token.py; what it does with it is tried in tests/cluster/test_token.py
    assert callable(AuthenticationTokenLoader.instance().reset_cache)
    source = inspect.getsource(authentication_token_setup.enable_token_auth_by_default)
    assert "_enable_token_auth()" in source


def test_each_slot_brings_what_it_needs_in_its_config() -> None:
    source = inspect.getsource(TuneTrial.create_placement_group_factory)
    assert "trainable_cls.default_resource_request(self.config)" in source
    slot = {"cpus": 0.5, "gpus": 0.3333}
    assert Worker.default_resource_request(slot).bundles == [{"CPU": 0.5, "GPU": 0.3333}]
    none = {"cpus": 2.0, "gpus": 0.0}
    assert Worker.default_resource_request(none).bundles == [{"CPU": 2.0}]


def test_a_slot_that_has_yet_to_come_up_is_ended_with_its_request_for_resources() -> None:
    source = inspect.getsource(RayActorManager.remove_actor)
    assert "self._resource_manager.cancel_resource_request(" in source
    source = inspect.getsource(TuneController.stop_trial)
    assert "trial.status in [Trial.PENDING, Trial.PAUSED]" in source
