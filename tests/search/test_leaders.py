"""Which trials are best where an epoch is a fold: no trial leads by one lucky fold."""

from __future__ import annotations

from typing import Any

from nightsweep.search import Study, Sweep


def study(**more: Any) -> Study:
    """Of an estimator that is judged by three folds, its score to be made large."""
    trainable = {"name": "sklearn", "cv": 3}
    return Study(Sweep(trainable=trainable, data="sklearn:iris", sampler="random", **more))


def scored(study: Study, *scores: float) -> int:
    """A new trial, whose mean after each fold is this."""
    trial = study.ask()
    assert trial is not None
    for epoch, score in enumerate(scores, start=1):
        study.report(trial.id, epoch, {"val_score": score})
    return trial.id


def test_a_trial_counts_with_the_mean_over_all_its_folds_so_far() -> None:
    found = study(scheduler="none")
    scored(found, 0.99, 0.8, 0.7)
    assert found.best is not None
    assert (found.best.best, found.best.best_epoch) == (0.7, 3)


def test_a_trial_that_was_stopped_after_a_lucky_fold_does_not_lead() -> None:
    found = study(scheduler="none")
    whole = scored(found, 0.5, 0.6, 0.7)
    scored(found, 1.0)
    assert found.best is not None
    assert found.best.id == whole
    better = scored(found, 0.5, 0.6, 0.8)
    assert found.best.id == better


def test_before_all_folds_are_done_whoever_has_done_most_leads() -> None:
    found = study(scheduler="none")
    further = scored(found, 0.5, 0.5)
    scored(found, 0.9)
    assert found.best is not None
    assert found.best.id == further


def test_a_target_is_reached_by_all_folds_together() -> None:
    found = study(scheduler="none", target=0.9)
    scored(found, 0.95, 0.95)
    assert not found.state.reached
    scored(found, 0.95, 0.95, 0.91)
    assert found.state.reached


def test_without_folds_a_trial_still_counts_with_its_best_epoch() -> None:
    sweep = Sweep(metric="loss", parameters={"x": {"min": 0.0, "max": 1.0}}, max_epochs=3)
    found = Study(sweep)
    trial = found.ask()
    assert trial is not None
    for epoch, loss in enumerate((0.5, 0.1, 0.3), start=1):
        found.report(trial.id, epoch, {"loss": loss})
    assert found.best is not None
    assert (found.best.best, found.best.best_epoch) == (0.1, 2)
