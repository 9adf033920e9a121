"""The digits sweep to the validation loss that stock Ray Tune with Optuna and ASHA ends with.

    python benchmarks/same_search.py [--trials 60] [--slots 2] [--seeds 0 1 2]

Stock is `OptunaSearch` + `ASHAScheduler` as Ray's documentation shows them, with the same ranges,
epochs, eta, grace and first configuration, and runs 60 trials. nightsweep runs the same sweep with
`--time`, half of what stock took, instead of a number of trials. Seconds count from the start of
the first training function. Each run has a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from peers import Config, train_epochs

from nightsweep.search.space import Choice, Float, Int
from nightsweep.search.sweep import Sweep
from nightsweep.search.sweepfile import load

DIGITS = Path(__file__).parents[1] / "examples" / "digits.yaml"
Found = dict[str, Any]


def stock(seed: int, trials: int, slots: int) -> Found:
    """Ray Tune's own pair; its best loss, and when it had found it and ended."""
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.optuna import OptunaSearch

    def train(config: Config) -> None:
        began = time.time()
        knobs = dict(config)
        for metrics in train_epochs(knobs, knobs.pop("epochs")):
            tune.report({**metrics, "began": began, "now": time.time()})

    sweep = load(DIGITS)
    defaults = {name: p.default for name, p in sweep.space.parameters.items()}
    ray.init(address="local", num_cpus=slots, include_dashboard=False, log_to_driver=False)
    tuner = tune.Tuner(
        train,
        param_space={name: domain(p) for name, p in sweep.space.parameters.items()},
        tune_config=tune.TuneConfig(
            metric="val_loss",
            mode="min",
            num_samples=trials,
            max_concurrent_trials=slots,
            search_alg=OptunaSearch(points_to_evaluate=[defaults], seed=seed),
            scheduler=ASHAScheduler(max_t=sweep.max_epochs, grace_period=1, reduction_factor=3),
        ),
        run_config=tune.RunConfig(storage_path=tempfile.mkdtemp(), verbose=0),
    )
    grid = tuner.fit()
    frames = [grid[place].metrics_dataframe for place in range(len(grid))]
    rows = [row for frame in frames if frame is not None for row in frame.to_dict("records")]
    ray.shutdown()
    return curve([(row["now"], row["val_loss"], row["began"]) for row in rows])


def domain(parameter: Float | Int | Choice) -> Any:
    """The parameter in Ray Tune's words; its Optuna bridge takes no quantised log integers."""
    from ray import tune

    if isinstance(parameter, Choice):
        return tune.choice(parameter.values)
    if parameter.count is not None:
        return tune.choice([parameter.level(index) for index in range(parameter.count)])
    if isinstance(parameter, Int):
        return tune.randint(parameter.min, parameter.max + 1)
    if parameter.log:
        return tune.loguniform(parameter.min, parameter.max)
    return tune.uniform(parameter.min, parameter.max)


def ours(seed: int, seconds: float, slots: int) -> Found:
    """The digits sweep as `nightsweep run --time` has it."""
    from nightsweep.cluster.run import Source, start

    changes = {"seed": seed, "trials": None, "time": seconds, "slots": slots}
    sweep = Sweep(**{**dict(load(DIGITS)), **changes})
    folder = Path(tempfile.mkdtemp()) / "run"
    results = start(sweep, out=folder, source=Source(file=DIGITS))
    curves = results.curves
    began = curves["time"].astype("int64") / 10 ** curves_digits(curves) - curves["seconds"]
    times = curves["time"].astype("int64") / 10 ** curves_digits(curves)
    return curve(list(zip(times, curves["val_loss"], began, strict=True)))


def curves_digits(curves: Any) -> int:
    """The decimal places of the clock in a column of times: 9 for ns, 6 for us."""
    return {"ns": 9, "us": 6, "ms": 3, "s": 0}[curves["time"].dt.unit]


def curve(reports: list[tuple[float, float, float]]) -> Found:
    """Best loss against seconds since the first training began."""
    start = min(began for _, _, began in reports)
    best, steps = float("inf"), []
    for now, loss, _ in sorted(reports):
        if loss < best:
            best = loss
            steps.append((now - start, loss))
    return {"best": best, "seconds": max(now for now, _, _ in reports) - start, "steps": steps}


def apart(name: str, seed: int, slots: int, **more: float) -> Found:
    command = [sys.executable, __file__, "--only", name, "--seeds", str(seed)]
    command += ["--slots", str(slots)]
    for key, value in more.items():
        command += [f"--{key}", str(value)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", choices=("stock", "ours"))
    parser.add_argument("--seconds", type=float, default=60.0, help="for --only ours")
    arguments = parser.parse_args()
    slots = arguments.slots
    if arguments.only:
        seed = arguments.seeds[0]
        stock_only = arguments.only == "stock"
        found = (
            stock(seed, arguments.trials, slots)
            if stock_only
            else ours(seed, arguments.seconds, slots)
        )
        print(json.dumps(found))
        return
    print(f"digits sweep, {arguments.trials} trials, {arguments.slots} slots")
    print(f"{'seed':>4}{'stock ends':>12}{'with loss':>11}{'nightsweep there':>18}{'ratio':>8}")
    for seed in arguments.seeds:
        peer = apart("stock", seed, slots, trials=arguments.trials)
        found = apart("ours", seed, slots, seconds=round(peer["seconds"] / 2, 1))
        there = [second for second, loss in found["steps"] if loss <= peer["best"]]
        at = f"{there[0]:.1f} s" if there else f"no: {found['best']:.4f}"
        ratio = f"{there[0] / peer['seconds']:.2f}" if there else "-"
        row = f"{seed:4}{peer['seconds']:10.1f} s{peer['best']:11.4f}{at:>18}{ratio:>8}"
        print(f"{row}   best of {found['seconds']:.0f} s: {found['best']:.4f}", flush=True)


if __name__ == "__main__":
    main()
