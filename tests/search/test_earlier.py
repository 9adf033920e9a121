from __future__ import annotations

import math
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import mannwhitneyu

from nightsweep.search import Choice, Float, Int, Study, Sweep
from nightsweep.search.earlier import lesson, lessons, told, unlearned
from nightsweep.search.errors import NightsweepError
from nightsweep.search.events import Event, Learned, from_json, to_json
from nightsweep.search.fitting import fitted
from nightsweep.search.history import Observation, Observations
from nightsweep.search.proposer import Proposer
from nightsweep.search.results import Results
from nightsweep.search.space import Config, Space

Loss = Callable[[Config, int], float]
SAMPLERS = ["tpe", "gp", "cmaes", "nsga2", "random", "qmc"]


def bowl(config: Config, epoch: int) -> float:
    """Lowest in the middle of the lower left; falls with the epochs."""
    return float((config["x"] - 0.31) ** 2 + (config["y"] - 0.62) ** 2 + 1 / (10 * epoch))


def new(**changes: Any) -> Sweep:
    values: dict[str, Any] = {
        "metric": "loss",
        "parameters": {"x": Float(min=0.0, max=1.0), "y": Float(min=0.0, max=1.0)},
        "max_epochs": 9,
        "trials": 20,
        "sampler": "random",
    }
    return Sweep(**(values | changes))


def trained(study: Study, loss: Loss = bowl) -> Study:
    """One trial after the other, to the end."""
    while trial := study.ask():
        epoch, going = trial.epoch, True
        while going:
            epoch += 1
            going = (
                study.report(trial.id, epoch, {"loss": loss(trial.config, epoch)}) == "continue"
            )
    return study


@pytest.fixture
def earlier(results_of: Callable[[Sweep, list[Event]], Results]) -> Callable[..., Results]:
    """The results of a sweep that has been there before."""

    def earlier(sweep: Sweep | None = None, loss: Loss = bowl) -> Results:
        events: list[Event] = []
        sweep = sweep or new(seed=7)
        trained(Study(sweep, events.append), loss)
        return results_of(sweep, events)

    return earlier


def values(found: Learned) -> dict[int, dict[str, dict[str, float]]]:
    return {result["trial"]: result["values"] for result in found.results}


def observed(sweep: Sweep, found: Learned) -> list[Observation]:
    """What a sampler sees of it."""
    observations = Observations()
    Proposer(sweep, observations).learn(found)
    return list(observations.history().observations)


def test_results_at_the_rungs_of_both_are_taken(earlier: Callable[..., Results]) -> None:
    before = earlier()
    found = lesson(new(), before, "runs/x")
    assert (len(found.results), found.missed) == (20, 0)
    for trial, known in before.study.trials.items():
        reached = [rung for rung in (1, 3, 9) if rung <= known.epoch]
        assert values(found)[trial] == {str(e): {"loss": bowl(known.config, e)} for e in reached}


def test_the_curves_have_values_at_other_rungs_too(earlier: Callable[..., Results]) -> None:
    """Every trial of the earlier sweep trained its nine epochs; there was no rung below."""
    before = earlier(new(scheduler="none"))
    found = lesson(new(max_epochs=27, scheduler={"name": "asha", "eta": 2}), before, "runs/x")
    assert {tuple(v) for v in values(found).values()} == {("1", "2", "4", "8")}


def test_a_trial_that_was_not_at_any_of_our_rungs_does_not_fit(
    earlier: Callable[..., Results],
) -> None:
    found = lesson(new(max_epochs=27, scheduler="none"), earlier(), "runs/x")
    assert (found.results, found.leaders, found.missed) == ([], [], 20)


def test_the_best_three_are_tried_first_and_say_where_they_are_from(
    earlier: Callable[..., Results],
) -> None:
    before = earlier()
    best = sorted(before.study.trials.values(), key=lambda known: known.best)[:3]
    study = Study(new())
    study.learn(lesson(new(), before, "runs/x"))
    for known in best:
        trial = study.ask()
        assert trial is not None
        assert trial.config == known.config
        assert study.trials[trial.id].origin == f"from runs/x, trial {known.id}"
    assert study.ask() is not None
    assert study.trials[4].origin == "random"


FOLDS: dict[str, Any] = {
    "trainable": {"name": "sklearn", "cv": 3}, "max_epochs": 3, "scheduler": "none",
}  # fmt: skip


def test_with_folds_the_mean_over_all_of_them_says_who_was_best(
    earlier: Callable[..., Results],
) -> None:
    """The higher x, the luckier the first fold, and the worse the mean over all."""
    before = earlier(new(**FOLDS), lambda config, epoch: config["x"] * (epoch - 2))
    best = min(before.study.trials.values(), key=lambda known: known.config["x"])
    assert lesson(new(**FOLDS), before, "runs/x").leaders[0] == best.id


@pytest.mark.parametrize(("then", "now"), [({}, FOLDS), (FOLDS, {})])
def test_epochs_and_folds_teach_each_other_what_trials_came_to_and_no_more(
    earlier: Callable[..., Results], then: dict[str, Any], now: dict[str, Any]
) -> None:
    """Who was stopped has come to nothing that can be compared."""
    before, sweep = earlier(new(**then)), new(**now)
    last = before.sweep.max_epochs
    found = lesson(sweep, before, "runs/x")
    ended = [known for known in before.study.trials.values() if known.epoch == last]
    assert values(found) == {
        known.id: {str(sweep.max_epochs): {"loss": bowl(known.config, last)}} for known in ended
    }
    assert found.missed == 20 - len(ended)


def test_where_large_is_good_the_largest_lead(earlier: Callable[..., Results]) -> None:
    goal = {"metric": {"name": "loss", "goal": "maximize"}}
    before = earlier(new(**goal), lambda config, epoch: -bowl(config, epoch))
    found = lesson(new(**goal), before, "runs/x")
    best = max(before.study.trials.values(), key=lambda known: known.best)
    assert found.leaders[0] == best.id
    assert values(found)[best.id]["1"]["loss"] < 0
    assert observed(new(**goal), found)[best.id - 1].values[1] > 0


def test_the_defaults_come_after_the_earlier_leaders(earlier: Callable[..., Results]) -> None:
    parameters = {"x": Float(min=0.0, max=1.0, default=0.5), "y": Float(min=0.0, max=1.0)}
    study = Study(new(parameters=parameters))
    study.learn(lesson(new(), earlier(), "runs/x"))
    for _ in range(4):
        study.ask()
    assert [known.origin for known in study.trials.values()][3] == "defaults"
    assert study.trials[4].config["x"] == 0.5


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_goes_on_from_earlier_results(
    earlier: Callable[..., Results], sampler: str
) -> None:
    study = Study(new(sampler=sampler))
    study.learn(lesson(new(), earlier(), "runs/x"))
    trained(study)
    origins = [known.origin for known in study.trials.values()]
    learns = sampler not in ("random", "qmc")
    assert any(origin.startswith(f"{sampler} from") for origin in origins[3:6]) == learns
    assert len(origins) == 20


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_replayed_study_knows_what_was_learned(
    earlier: Callable[..., Results], tmp_path: Path, sampler: str
) -> None:
    """Though the earlier run is not there any more."""
    found = lesson(new(), earlier(), "runs/x")
    shutil.rmtree(tmp_path / "run")
    events: list[Event] = []
    study = Study(new(sampler=sampler), events.append)
    study.learn(found)
    configs = [known.config for known in trained(study).trials.values()]
    again = [from_json(to_json(event)) for event in events]
    assert again == events
    for length in (1, 9, len(events)):
        replayed = trained(Study.replay(study.sweep, again[:length]))
        assert [known.config for known in replayed.trials.values()] == configs
        assert replayed.proposer.learned == ["runs/x"]


def test_earlier_trials_are_no_rivals_and_not_the_best(earlier: Callable[..., Results]) -> None:
    study = Study(new())
    study.learn(lesson(new(), earlier(), "runs/x"))
    assert (study.best, study.trials, study.trained) == (None, {}, 0)
    assert [step.arrived for step in study.ladder] == [0, 0, 0]


def test_with_earlier_results_the_start_is_better(earlier: Callable[..., Results]) -> None:
    """The mean of the ten trials after those that are tried again, against the first ten."""
    found = lesson(new(max_epochs=1), earlier(new(seed=99, trials=40)), "runs/x")

    def mean(seed: int, learned: bool) -> float:
        sweep = new(seed=seed, sampler="tpe", trials=13, scheduler="none", max_epochs=1)
        study = Study(sweep)
        if learned:
            study.learn(found)
        first = 4 if learned else 1
        trained(study)
        return statistics.mean(study.trials[n].best for n in range(first, first + 10))

    warm = [mean(seed, True) for seed in range(10)]
    cold = [mean(seed, False) for seed in range(10)]
    assert mannwhitneyu(warm, cold, alternative="less").pvalue < 0.01


def test_a_diverged_trial_is_told_as_such(earlier: Callable[..., Results]) -> None:
    def cliff(config: Config, epoch: int) -> float:
        return math.nan if config["x"] > 0.5 and epoch > 1 else bowl(config, epoch)

    before = earlier(loss=cliff)
    found = lesson(new(), before, "runs/x")
    lost = [n for n, known in before.study.trials.items() if known.status == "diverged"]
    assert lost
    assert [result["trial"] for result in found.results if result.get("diverged")] == lost
    seen = observed(new(), found)
    assert [n for n, known in enumerate(seen, 1) if known.diverged] == lost
    assert len({known.trial for known in seen}) == 20
    assert max(known.trial for known in seen) < -1000


def test_the_line_about_it_counts_what_was_taken_and_what_did_not_fit(
    earlier: Callable[..., Results],
) -> None:
    narrow = {"x": Float(min=0.0, max=0.5), "y": Float(min=0.0, max=1.0)}
    before = earlier()
    inside = sum(known.config["x"] <= 0.5 for known in before.study.trials.values())
    found = lesson(new(parameters=narrow), before, "runs/x")
    assert 0 < inside < 20
    assert told(found) == f"takes {inside} results from runs/x ({20 - inside} did not fit)"
    one = Learned(run="r", results=found.results[:1], leaders=[], missed=0)
    assert told(one) == "takes 1 result from r"


OLD = Space(
    {
        "lr": Float(min=1e-4, max=1.0, log=True),
        "optimizer": Choice(values=["sgd", "adam"]),
        "momentum": Float(min=0.0, max=0.99, when={"optimizer": "sgd"}),
        "width": 64,
    }
)
SGD = {"lr": 0.1, "optimizer": "sgd", "momentum": 0.9, "width": 64}
ADAM = {"lr": 0.1, "optimizer": "adam", "width": 64}


def into(config: Config, **changes: Any) -> Config | None:
    """What becomes of a configuration where parameters have changed (None: taken out)."""
    merged: dict[str, Any] = {**OLD.parameters, **OLD.constants, **changes}
    space = Space({name: p for name, p in merged.items() if p is not None})
    return fitted(space, config, OLD)


def test_a_configuration_of_the_same_space_fits() -> None:
    assert into(SGD) == SGD
    assert into(ADAM) == ADAM


def test_values_outside_the_new_range_do_not_fit() -> None:
    narrow = Float(min=1e-4, max=0.01, log=True)
    assert into(SGD, lr=narrow) is None
    assert into(SGD | {"lr": 0.001}, lr=narrow) == SGD | {"lr": 0.001}
    assert into(SGD, optimizer=Choice(values=["adam", "lion"])) is None


def test_a_parameter_that_became_a_constant_fits_where_it_had_that_value() -> None:
    assert into(ADAM, optimizer="adam", momentum=None) == ADAM
    assert into(SGD, optimizer="adam", momentum=None) is None


def test_a_constant_that_became_a_parameter_or_another_constant() -> None:
    assert into(ADAM, width=Int(min=16, max=128)) == ADAM
    assert into(ADAM, width=128) is None


def test_a_new_parameter_takes_its_default_or_nothing_fits() -> None:
    assert into(ADAM, dropout=Float(min=0.0, max=0.5, default=0.1)) == ADAM | {"dropout": 0.1}
    assert into(ADAM, dropout=Float(min=0.0, max=0.5)) is None


def test_a_parameter_that_is_used_now_but_was_not_then_does_not_fit() -> None:
    always = Float(min=0.0, max=0.99, default=0.9)
    assert into(SGD, momentum=always) == SGD
    assert into(ADAM, momentum=always) is None


def test_a_parameter_that_is_gone_had_a_value_that_nobody_knows_now() -> None:
    assert into(ADAM, lr=None) is None
    assert into(ADAM, width=None) == {"lr": 0.1, "optimizer": "adam"}


def test_what_the_constraints_forbid_does_not_fit() -> None:
    space = Space({**OLD.parameters, "width": 64}, ["lr < 0.05"])
    assert fitted(space, ADAM, OLD) is None


def test_paths_are_relative_to_the_sweep_files_folder(
    earlier: Callable[..., Results], tmp_path: Path
) -> None:
    earlier()
    (found,) = lessons(Sweep(**{**dict(new()), "from_": "run"}), tmp_path)
    assert (found.run, len(found.results)) == ("run", 20)


def test_what_was_not_learned_yet_is_learned_when_the_run_goes_on(
    earlier: Callable[..., Results], tmp_path: Path
) -> None:
    """Until the first trial begins; afterwards no earlier folder is looked at."""
    earlier()
    study = Study(new(from_=["run", "run/../run"]))
    both = unlearned(study, tmp_path)
    assert [found.run for found in both] == ["run", "run/../run"]
    study.learn(both[0])
    assert unlearned(study, tmp_path) == both[1:]
    study.ask()
    assert unlearned(study, tmp_path / "elsewhere") == []


def test_a_folder_that_is_not_there_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(NightsweepError) as caught:
        lessons(new(from_=["runs/gone"]), tmp_path)
    gone = tmp_path / "runs/gone"
    assert str(caught.value) == f"from: {gone} is not a folder; name the folder of a run"


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("accuracy", "this sweep is to minimize accuracy"),
        ({"name": "loss", "goal": "maximize"}, "this sweep is to maximize loss"),
    ],
)
def test_a_run_that_searched_for_something_else_is_refused(
    earlier: Callable[..., Results], metric: Any, words: str
) -> None:
    with pytest.raises(NightsweepError) as caught:
        lesson(new(metric=metric), earlier(), "runs/x")
    assert str(caught.value) == (
        f"from: runs/x was to minimize loss, but {words}; take it out, or search for the same"
    )


def test_from_may_be_one_path_or_several_under_either_name(tmp_path: Path) -> None:
    for given in ({"from": "a"}, {"from_": [Path("a")]}, {"from": ["a"]}):
        assert new(**given).from_ == ("a",)
    assert new().from_ == ()
    assert Sweep(**new(**{"from": "a"}).model_dump(mode="json")).from_ == ("a",)
