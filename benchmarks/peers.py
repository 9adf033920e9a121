"""The digits training, as each tool's own documentation would have it written.

Every runner takes (configs, epochs, slots) and returns one record a trial: when its function
began and ended (seconds since 1970) and its last val_loss.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from nightsweep.trainables import digits

Config = dict[str, Any]
Record = dict[str, float]
Runner = Callable[[list[Config], int, int], list[Record]]


def train_epochs(config: Config, epochs: int) -> Iterator[dict[str, float]]:
    """Train one configuration; the metrics of each epoch."""
    torch.manual_seed(0)
    knobs = {**digits.DEFAULTS, **config}
    data, model = digits.load(), digits.perceptron(knobs)
    optimizer = digits.make_optimizer(model, knobs)
    schedule = digits.make_schedule(optimizer, knobs["schedule"], epochs)
    for _ in range(epochs):
        train_loss, train_accuracy = digits.train_one_epoch(model, optimizer, data, knobs)
        schedule.step()
        val_loss, val_accuracy = digits.evaluate(model, data.val_x, data.val_y)
        yield {
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
        }


def nightsweep(configs: list[Config], epochs: int, slots: int) -> list[Record]:
    """The list as one choice; no early stopping. Checkpoints at the end, as always."""
    import nightsweep as ns

    results = ns.run(
        _for_nightsweep,
        {"which": {"values": list(range(len(configs)))}, "configs": configs},
        metric="val_loss",
        max_epochs=epochs,
        sampler="grid",
        scheduler="none",
        slots=slots,
        out=Path(tempfile.mkdtemp()) / "run",
        quiet=True,
    )
    last = results.trials.set_index("trial")["last/val_loss"]
    curves = results.curves.groupby("trial")
    return [
        {
            "began": float(curve["began"].iloc[0]),
            "ended": float(curve["time"].iloc[-1].timestamp()),
            "val_loss": float(last[trial]),
        }
        for trial, curve in curves
    ]


def _for_nightsweep(config: Config, trial: Any) -> None:
    began = time.time()
    knobs = {**digits.DEFAULTS, **config["configs"][config["which"]]}
    torch.manual_seed(0)
    data, model = digits.load(), digits.perceptron(knobs)
    optimizer = digits.make_optimizer(model, knobs)
    schedule = digits.make_schedule(optimizer, knobs["schedule"], trial.max_epochs)
    trial.keep(model=model, optimizer=optimizer, schedule=schedule)
    for _ in trial.epochs():
        train_loss, train_accuracy = digits.train_one_epoch(model, optimizer, data, knobs)
        schedule.step()
        val_loss, val_accuracy = digits.evaluate(model, data.val_x, data.val_y)
        trial.report(
            began=began,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
        )


def ray_tune(configs: list[Config], epochs: int, slots: int) -> list[Record]:
    """Ray Tune as its documentation shows it."""
    return _ray_tune(configs, epochs, slots, reuse=False)


def ray_tune_reuse(configs: list[Config], epochs: int, slots: int) -> list[Record]:
    """The same with `reuse_actors=True`."""
    return _ray_tune(configs, epochs, slots, reuse=True)


def _ray_tune(configs: list[Config], epochs: int, slots: int, *, reuse: bool) -> list[Record]:
    import ray
    from ray import tune

    def train(config: Config) -> None:
        began = time.time()
        for metrics in train_epochs(config["knobs"], epochs):
            tune.report({**metrics, "began": began, "now": time.time()})

    ray.init(address="local", num_cpus=slots, include_dashboard=False, log_to_driver=False)
    tuner = tune.Tuner(
        train,
        param_space={"knobs": tune.grid_search(configs)},
        tune_config=tune.TuneConfig(metric="val_loss", mode="min", reuse_actors=reuse),
        run_config=tune.RunConfig(storage_path=tempfile.mkdtemp(), verbose=0),
    )
    grid = tuner.fit()
    found = [grid[place].metrics for place in range(len(grid))]
    ray.shutdown()
    return [
        {"began": m["began"], "ended": m["now"], "val_loss": m["val_loss"]} for m in found if m
    ]


def optuna_processes(configs: list[Config], epochs: int, slots: int) -> list[Record]:
    """Optuna with worker processes on one journal file."""
    import optuna

    path = str(Path(tempfile.mkdtemp()) / "journal.log")
    study = optuna.create_study(study_name="digits", storage=_journal(path), direction="minimize")
    for which in range(len(configs)):
        study.enqueue_trial({"which": which})
    _in_processes(_optuna_worker, [(path, configs, epochs, len(configs))] * slots)
    return [
        {
            "began": t.user_attrs["began"],
            "ended": t.user_attrs["ended"],
            "val_loss": float(t.value or 0),
        }
        for t in study.get_trials()
        if t.state == optuna.trial.TrialState.COMPLETE
    ]


def _journal(path: str) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(path))


def _optuna_worker(path: str, configs: list[Config], epochs: int, total: int) -> None:
    import optuna
    from optuna.study import MaxTrialsCallback
    from optuna.trial import Trial, TrialState

    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: Trial) -> float:
        trial.set_user_attr("began", time.time())
        config = configs[trial.suggest_int("which", 0, len(configs) - 1)]
        value = float("nan")
        for epoch, metrics in enumerate(train_epochs(config, epochs), start=1):
            value = metrics["val_loss"]
            trial.report(value, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        trial.set_user_attr("ended", time.time())
        return value

    study = optuna.load_study(
        study_name="digits", storage=_journal(path), pruner=optuna.pruners.NopPruner()
    )
    states = (TrialState.COMPLETE, TrialState.RUNNING)
    study.optimize(objective, callbacks=[MaxTrialsCallback(total, states=states)])


def bare_processes(configs: list[Config], epochs: int, slots: int) -> list[Record]:
    """The limit: processes that train a list, with nothing around it."""
    context = multiprocessing.get_context("spawn")
    todo, done = context.Queue(), context.Queue()
    for config in configs:
        todo.put(config)
    for _ in range(slots):
        todo.put(None)
    _in_processes(_bare_worker, [(todo, done, epochs)] * slots, wait=False)
    return [done.get() for _ in configs]


def _bare_worker(todo: Any, done: Any, epochs: int) -> None:
    torch.set_num_threads(1)
    while (config := todo.get()) is not None:
        began = time.time()
        metrics = list(train_epochs(config, epochs))
        done.put({"began": began, "ended": time.time(), "val_loss": metrics[-1]["val_loss"]})


def _in_processes(work: Callable[..., None], arguments: list[Any], wait: bool = True) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=work, args=args) for args in arguments]
    for process in processes:
        process.start()
    for process in processes if wait else ():
        process.join()


RUNNERS: dict[str, Runner] = {
    "bare processes (the limit)": bare_processes,
    "nightsweep": nightsweep,
    "Optuna, journal storage": optuna_processes,
    "Ray Tune, reuse_actors": ray_tune_reuse,
    "Ray Tune": ray_tune,
}
