"""A region where trials fail is avoided, and a bug that fails them all changes nothing."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest

from nightsweep.search import Decision, Float, Study, Sweep
from nightsweep.search.events import Cause, Event
from nightsweep.search.space import Config

LEARNING = ["tpe", "gp", "cmaes", "nsga2"]
RANKLESS = ["random", "qmc"]
BORDER = 0.01  # half of all lies beyond it
BEST = 0.005


def new(record: Any = None, **changes: Any) -> Study:
    parameters = {
        "lr": Float(min=1e-4, max=1.0, log=True),
        "width": Float(min=0.0, max=1.0),
    }
    values: dict[str, Any] = {"metric": "loss", "max_epochs": 1, "trials": 80}
    return Study(Sweep(**{"parameters": parameters, **values, **changes}), record)


def loss(config: Config) -> float:
    """Lowest at BEST, close to the border."""
    return float(math.log10(config["lr"] / BEST) ** 2 + (config["width"] - 0.4) ** 2)


def trained(study: Study, *, cause: Cause = Cause.NONE) -> list[Config]:
    """All proposals; above the border each one fails."""
    while trial := study.ask():
        if trial.config["lr"] > BORDER:
            study.fail(trial.id, "raised ValueError", cause=cause)
        else:
            study.report(trial.id, 1, {"loss": loss(trial.config)})
    return [known.config for known in study.trials.values()]


def failing(configs: list[Config]) -> float:
    return statistics.mean(bool(config["lr"] > BORDER) for config in configs)


def by_model(study: Study, sampler: str) -> list[Config]:
    """What was not proposed by chance."""
    return [k.config for k in study.trials.values() if k.origin.startswith(sampler)]


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_proposals_keep_away_from_where_trials_fail_and_the_border_is_found(sampler: str) -> None:
    """Where failures teach nothing, almost all proposals lie beyond the border."""
    shares, untaught = [], []
    for seed in range(4):
        study = new(sampler=sampler, seed=seed)
        trained(study)
        shares.append(failing(by_model(study, sampler)))
        assert study.best is not None
        assert study.best.best < 0.02
        assert 0.0035 < study.best.config["lr"] <= 0.0075
        study = new(sampler=sampler, seed=seed)
        trained(study, cause=Cause.LOST)
        untaught.append(failing(by_model(study, sampler)))
    assert statistics.mean(shares) < 0.25
    assert statistics.mean(untaught) > 0.5


@pytest.mark.parametrize("sampler", LEARNING)
def test_a_bug_that_fails_every_trial_leaves_it_to_chance(sampler: str) -> None:
    buggy, chance = new(sampler=sampler, trials=40), new(sampler="random", trials=40)
    for study in (buggy, chance):
        while trial := study.ask():
            study.fail(trial.id, "raised NameError")
    pairs = [[known.config for known in study.trials.values()] for study in (buggy, chance)]
    assert pairs[0] == pairs[1]


@pytest.mark.parametrize("sampler", LEARNING)
def test_once_the_bug_is_mended_the_search_goes_on(sampler: str) -> None:
    study = new(sampler=sampler, trials=60)
    for _ in range(30):
        trial = study.ask()
        assert trial is not None
        study.fail(trial.id, "raised NameError")
    trained(study)
    assert by_model(study, sampler)
    assert study.best is not None
    assert study.best.best < 0.1


@pytest.mark.parametrize("sampler", LEARNING)
def test_a_lost_worker_says_nothing_about_the_configuration(sampler: str) -> None:
    """The proposals are those of a study in which those trials have never ended."""
    lost, open_ = new(sampler=sampler, trials=30), new(sampler=sampler, trials=30)
    for study in (lost, open_):
        while trial := study.ask():
            if trial.id == 3:
                cause = Cause.LOST if study is lost else Cause.NONE
                study.fail(3, "its worker died; tried 3 times", cause=cause)
            else:
                study.report(trial.id, 1, {"loss": loss(trial.config)})
    seen = [study.state.contest.observations.history().observations for study in (lost, open_)]
    assert [len(known) for known in seen] == [29, 30]
    assert next(known for known in seen[1] if known.trial == 3).diverged


@pytest.mark.parametrize("sampler", RANKLESS)
def test_samplers_that_learn_nothing_propose_the_same(sampler: str) -> None:
    whole = new(sampler=sampler)
    while trial := whole.ask():
        whole.report(trial.id, 1, {"loss": 1.0})
    assert trained(new(sampler=sampler)) == [known.config for known in whole.trials.values()]


def test_what_a_trial_has_shown_before_it_failed_still_counts() -> None:
    study = new(max_epochs=9)
    trial = study.ask()
    assert trial is not None
    study.report(trial.id, 1, {"loss": 0.5})
    study.ask()
    study.fail(trial.id, "raised ValueError")
    (seen,) = study.state.contest.observations.history().observations
    assert (dict(seen.values), seen.diverged) == ({1: 0.5}, True)


def test_a_trial_that_fails_while_it_is_paused_leaves_its_rung_and_is_avoided() -> None:
    scheduler = {"name": "asha", "audit": 0}
    study = new(max_epochs=9, sampler="random", trials=9, scheduler=scheduler)
    trials = [trial for trial in (study.ask() for _ in range(4)) if trial]
    decisions = [study.report(trial.id, 1, {"loss": 0.1 + trial.id}) for trial in trials]
    paused = decisions.index(Decision.PAUSE)
    study.fail(trials[paused].id, "its checkpoint cannot be read")
    seen = study.state.contest.observations.history().observations
    assert [known.diverged for known in seen] == [index == paused for index in range(4)]
    assert study.ladder[0].paused == decisions.count(Decision.PAUSE) - 1


@pytest.mark.parametrize("sampler", LEARNING)
def test_a_replayed_study_has_learned_the_same(sampler: str) -> None:
    events: list[Event] = []
    study = new(events.append, sampler=sampler, trials=40)
    expected = trained(study)
    assert trained(Study.replay(study.sweep, events[: len(events) // 2])) == expected
