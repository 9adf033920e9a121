"""`trainable: sklearn`: estimators judged fold by fold."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nightsweep.search import Sweep, ready
from nightsweep.search.errors import DataError, NightsweepError, SweepError
from nightsweep.trainables.estimator import Estimator
from nightsweep.trainables.job import Job
from nightsweep.trainables.ready import chosen
from nightsweep.trainables.trial import Halted, Trial

from .links import Link

OWN = '''
import sys
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

seen = []

class Watching(ClassifierMixin, BaseEstimator):
    def __init__(self, share=0.5):
        self.share = share
    def fit(self, x, y):
        seen.append(np.asarray(x))
        self.classes_ = np.unique(y)
        return self
    def predict(self, x):
        return np.zeros(len(x), dtype=int)

class Drawing(Watching):
    """Says what numpy's generator draws."""
    def predict(self, x):
        return np.random.randint(0, 2, len(x))

class Odd:
    """Not of scikit-learn's classes."""
    def fit(self, x, y): return self
    def predict(self, x): return x
    def get_params(self, deep=True): return {}
    def set_params(self, **given): return self

class Changing(ClassifierMixin, BaseEstimator):
    """Keeps something else than it was given, which cannot be copied."""
    def __init__(self, share=0.5):
        self.share = [share]
    def fit(self, x, y): return self
    def predict(self, x): return x

class Counting(RegressorMixin, BaseEstimator):
    """Keeps the targets it saw."""
    def __init__(self, objective="count:poisson"):
        self.objective = objective
    def fit(self, x, y):
        seen.append(y)
        self.fitted_ = True
        return self
    def predict(self, x):
        return np.ones(len(x))

def logged():
    return TransformedTargetRegressor(Counting("squares"), func=np.log, inverse_func=np.exp)

def broken():
    raise KeyError("no luck")

class Needy(Watching):
    def __init__(self, share):
        self.share = share

def made():
    return make_pipeline(StandardScaler(), LogisticRegression())

ready = LogisticRegression(C=0.5)
number = 3
'''


def fitted(
    folder: Path, estimator: Estimator, config: dict[str, Any], *, pauses: bool = False,
    seed: int = 7, cpus: int = 1,
) -> list[dict[str, float]]:  # fmt: skip
    """What is reported after each fold; with `pauses` by a trial that goes on after each."""
    link, epoch, last = Link(), 0, estimator.settings.cv
    folder.mkdir(exist_ok=True)
    while epoch < last:
        np.random.seed(epoch)  # after a pause, generators stand anywhere
        job = Job(
            trial=1, config=config, epoch=epoch, until=epoch + 1 if pauses else 99,
            max_epochs=last, metrics=("val_score",), seed=seed, folder=folder, cpus=cpus,
        )  # fmt: skip
        trial = Trial(job, link)
        with contextlib.suppress(Halted):
            estimator(config, trial)
        epoch = trial.epoch
    return [step.metrics for step in link.steps]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Estimator]:
    """An estimator by its name, on a table or a known set, with the user's module beside it."""
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "own", raising=False)

    def made(name: str | None = None, data: Any = "sklearn:iris", **settings: Any) -> Estimator:
        if isinstance(data, pd.DataFrame):
            path = tmp_path / "table.csv"
            data.to_csv(path, index=False)
            data = str(path)
        given = {"cv": 3, **settings, **({"estimator": name} if name else {})}
        return Estimator(ready.Estimator.model_validate(given), [data], tmp_path)

    return made


def flowers(rows: int = 60) -> pd.DataFrame:
    """Numbers, some missing, words, and two classes that they tell apart."""
    generator = np.random.default_rng(0)
    size = generator.normal(5.0, 2.0, rows)
    frame = pd.DataFrame(
        {
            "size": size,
            "colour": generator.choice(["red", "blue"], rows),
            "kind": np.where(size > 5.0, "oak", "elm"),
        }
    )
    frame.loc[3, "size"] = np.nan
    return frame


def refused(estimator: Estimator) -> str:
    with pytest.raises(NightsweepError) as error:
        estimator.check()
    return str(error.value)


def test_means_over_the_folds_so_far_are_reported_and_the_test_part_after_the_last(
    tmp_path: Path, made: Callable[..., Estimator]
) -> None:
    found = fitted(tmp_path / "t", made("sklearn.tree.DecisionTreeClassifier"), {"max_depth": 3})
    own = [report["fold_score"] for report in found]
    assert [report["val_score"] for report in found] == [
        pytest.approx(np.mean(own[:count])) for count in (1, 2, 3)
    ]
    assert found[2]["val_score_std"] == pytest.approx(np.std(own))
    assert found[2]["test_score"] > 0.8
    assert ["test_score" in report for report in found] == [False, False, True]
    assert found[2]["train_score"] >= found[2]["val_score"] > 0.8


@pytest.mark.parametrize("name", [None, "own.Drawing"])
def test_a_trial_that_is_paused_after_each_fold_reports_the_same_bit_for_bit(
    tmp_path: Path, made: Callable[..., Estimator], name: str | None
) -> None:
    config: dict[str, Any] = {"share": 0.1} if name else {"n_estimators": 5, "max_features": 0.5}
    through = fitted(tmp_path / "one", made(name), config)
    assert fitted(tmp_path / "two", made(name), config, pauses=True) == through
    assert fitted(tmp_path / "three", made(name), config, seed=8) != through


def test_columns_are_made_ready_by_training_rows_alone(
    tmp_path: Path, made: Callable[..., Estimator]
) -> None:
    frame = flowers()
    estimator = made("own.py:Watching", frame, target="kind")
    fitted(tmp_path / "t", estimator, {})
    seen = sys.modules["own"].seen
    assert len(seen) == 4  # three folds, and all but the rows for testing
    for x in seen:
        assert x[:, 0].mean() == pytest.approx(0.0, abs=1e-9)  # so no other row is in the mean
        assert x[:, 0].std() == pytest.approx(1.0)
        assert not np.isnan(x).any()
    sizes = {len(x) for x in seen[:3]}
    assert sizes == {32}
    assert len(seen[3]) == 48


def test_words_missing_numbers_and_words_that_training_has_not_seen_are_learned_from(
    tmp_path: Path, made: Callable[..., Estimator]
) -> None:
    frame = flowers()
    frame.loc[len(frame) - 1, "colour"] = "green"
    frame.loc[7, "colour"] = None
    frame["nothing"] = np.nan
    frame["name"] = [f"tree {row}" for row in range(len(frame))]
    found = fitted(
        tmp_path / "t", made("sklearn.linear_model.LogisticRegression", frame, target="kind"), {}
    )
    assert found[2]["val_score"] > 0.8


def test_a_pipeline_of_the_users_own_takes_the_table_as_it_is_and_parameters_of_its_steps(
    tmp_path: Path, made: Callable[..., Estimator]
) -> None:
    estimator = made("own.made")
    estimator.allow({"logisticregression__C": 1.0})
    weak = fitted(tmp_path / "one", estimator, {"logisticregression__C": 1e-6})
    strong = fitted(tmp_path / "two", estimator, {"logisticregression__C": 10.0})
    assert strong[2]["val_score"] > weak[2]["val_score"] + 0.05


@pytest.mark.parametrize("name", ["own.ready", "own:ready", "own.py:ready"])
def test_an_object_is_taken_as_it_is_set(
    tmp_path: Path, made: Callable[..., Estimator], name: str
) -> None:
    assert fitted(tmp_path / "t", made(name), {"C": 1.0})[2]["val_score"] > 0.8


def test_numbers_are_predicted_by_a_forest_too_where_no_estimator_is_named(
    tmp_path: Path, made: Callable[..., Estimator]
) -> None:
    estimator = made(None, "sklearn:diabetes")
    estimator.check()
    found = fitted(tmp_path / "t", estimator, {"n_estimators": 20, "min_samples_leaf": 5})
    assert 0.2 < found[2]["val_score"] < 0.7  # R²


def test_the_unit_of_a_target_does_not_matter(
    tmp_path: Path, made: Callable[..., Estimator]
) -> None:
    frame = flowers()
    frame["price"] = frame["size"].fillna(5.0) * 2.0
    machine = "sklearn.svm.SVR"
    small = fitted(tmp_path / "one", made(machine, frame, target="price"), {"C": 10.0})
    frame["price"] *= 100_000
    large = fitted(tmp_path / "two", made(machine, frame, target="price"), {"C": 10.0})
    assert small[2]["val_score"] > 0.5
    assert large[2]["val_score"] == pytest.approx(small[2]["val_score"], abs=1e-3)


@pytest.mark.parametrize(
    "name",
    [
        "sklearn.linear_model.PoissonRegressor",
        "sklearn.linear_model.GammaRegressor",
        "own.Counting",
        "own.logged",
    ],
)
def test_what_takes_positive_targets_only_gets_them_as_they_are(
    tmp_path: Path, made: Callable[..., Estimator], name: str
) -> None:
    estimator = made(name, "sklearn:diabetes")
    fitted(tmp_path / "t", estimator, {})  # scikit-learn's refuse negative ones
    if name == "own.Counting":
        assert sys.modules["own"].seen[0].min() > 1.0
    if name == "own.logged":
        assert 3.0 < sys.modules["own"].seen[0].min() < np.log(30)


def test_a_score_is_tried_out_on_all_rows_of_a_sorted_table(
    made: Callable[..., Estimator],
) -> None:
    """The first rows to judge by are all of one class, which some scores do not take."""
    frame = pd.DataFrame({"size": np.arange(2400.0), "kind": ["elm"] * 1200 + ["oak"] * 1200})
    logistic = "sklearn.linear_model.LogisticRegression"
    made(logistic, frame, target="kind", scoring="neg_log_loss").check()


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss"])
def test_a_score_that_the_rows_of_some_fold_do_not_have_is_refused(
    made: Callable[..., Estimator], scoring: str
) -> None:
    frame = pd.DataFrame({"size": np.arange(120.0), "forest": np.repeat(np.arange(12), 10)})
    frame["kind"] = np.where(frame["forest"] < 3, "elm", "oak")
    message = refused(made(None, frame, target="kind", group="forest", cv=4, scoring=scoring))
    assert f"scoring: {scoring} does not suit a target of 2 classes, judged by" in message
    made(None, frame, target="kind", group="forest", cv=4).check()


def test_a_score_of_probabilities_that_an_estimator_does_not_give_is_said_in_one_sentence(
    tmp_path: Path, made: Callable[..., Estimator]
) -> None:
    machine = made("sklearn.svm.SVC", scoring="neg_log_loss")
    with pytest.raises(DataError, match=r"asks for predict_proba, which sklearn\.svm\.SVC"):
        fitted(tmp_path / "t", machine, {"C": 1.0})


def test_another_score_is_reported_where_one_is_named(
    tmp_path: Path, made: Callable[..., Estimator]
) -> None:
    logistic = "sklearn.linear_model.LogisticRegression"
    found = fitted(tmp_path / "t", made(logistic, scoring="neg_log_loss"), {})
    assert found[2]["val_score"] < 0


def test_warnings_of_a_solver_go_to_the_trials_log_once_a_fold(
    tmp_path: Path, made: Callable[..., Estimator], capsys: pytest.CaptureFixture[str]
) -> None:
    fitted(tmp_path / "t", made("sklearn.linear_model.LogisticRegression"), {"max_iter": 2})
    lines = [line for line in capsys.readouterr().err.splitlines() if "ConvergenceWarning" in line]
    assert [line.split(":")[0] for line in lines] == ["fold 1", "fold 2", "fold 3", "all folds"]


def test_as_many_threads_as_the_trial_has_cpus(
    tmp_path: Path, made: Callable[..., Estimator], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn.ensemble import RandomForestClassifier

    seen = []
    fit = RandomForestClassifier.fit

    def watched(self: Any, x: Any, y: Any) -> Any:
        seen.append(self.n_jobs)
        return fit(self, x, y)

    monkeypatch.setattr(RandomForestClassifier, "fit", watched)
    fitted(tmp_path / "t", made(), {"n_estimators": 2}, cpus=2)
    fitted(tmp_path / "u", made(), {"n_estimators": 2, "n_jobs": 1}, cpus=2)
    assert seen == [2] * 4 + [1] * 4


def test_rows_of_a_group_are_judged_together(
    tmp_path: Path, made: Callable[..., Estimator]
) -> None:
    """Each patient has a class of their own making, which nothing but having seen them tells."""
    generator = np.random.default_rng(1)
    patients = np.repeat(np.arange(30), 4)
    frame = pd.DataFrame(
        {
            "blood": patients + generator.normal(0, 0.01, 120),
            "patient": patients,
            "ill": generator.integers(0, 2, 30)[patients],
        }
    )
    nearest = "sklearn.neighbors.KNeighborsClassifier"
    settings = {"target": "ill", "ignore": "patient"}
    apart = fitted(tmp_path / "one", made(nearest, frame, **settings), {"n_neighbors": 1})
    together = {"target": "ill", "group": "patient"}
    grouped = fitted(tmp_path / "two", made(nearest, frame, **together), {"n_neighbors": 1})
    assert apart[2]["val_score"] > 0.95
    assert grouped[2]["val_score"] < 0.75


@pytest.mark.parametrize(
    ("name", "data", "settings", "words"),
    [
        ("sklearn.linear_model.Ridge", "sklearn:iris", {}, "predicts numbers, and the target has"),
        ("sklearn.svm.SVC", "sklearn:diabetes", {}, "predicts classes, and the target is numbers"),
        ("sklearn.svm.SVCC", "sklearn:iris", {}, 'did you mean "sklearn.svm:SVC"?'),
        ("sklearn.trees.X", "sklearn:iris", {}, "estimator: there is no module 'sklearn.trees'"),
        ("gone.py:x", "sklearn:iris", {}, "estimator: there is no file"),
        ("own.Needy", "sklearn:iris", {}, "cannot be made: TypeError"),
        ("own.broken", "sklearn:iris", {}, "own.broken cannot be made: KeyError: 'no luck'"),
        ("own.Changing", "sklearn:iris", {}, "cannot be made: RuntimeError: Cannot clone"),
        ("own.Odd", "sklearn:iris", {}, "own.Odd does not say what it predicts; derive it from"),
        (
            "sklearn.linear_model.Ridge",
            "sklearn:diabetes",
            {"cv": 90, "test": 0.7},
            "scoring: r2 does not suit a target of numbers, judged by the 1 row of fold",
        ),
        ("own.number", "sklearn:iris", {}, "is of type int, without fit, predict"),
        (None, "sklearn:iris", {"scoring": "acuracy"}, 'did you mean "accuracy"?'),
        (None, "sklearn:iris", {"scoring": "f1"}, "does not suit a target of 3 classes"),
        (None, "sklearn:iris", {"cv": 60}, "60 folds are more than the 40 rows"),
        (None, "sklearn:iris", {"target": "petals"}, "petals"),
    ],
)
def test_what_does_not_go_together_is_said_before_the_night(
    made: Callable[..., Estimator],
    name: str | None,
    data: str,
    settings: dict[str, Any],
    words: str,
) -> None:
    message = refused(made(name, data, **settings))
    assert words in message
    assert "\n" not in message


def test_a_class_with_fewer_rows_than_folds_is_refused(made: Callable[..., Estimator]) -> None:
    frame = flowers()
    frame["kind"] = ["rare"] * 3 + ["usual"] * 57
    assert "cv: 4 folds are more than the 2 rows" in refused(
        made("sklearn.svm.SVC", frame, target="kind", cv=4)
    )


def test_a_parameter_that_the_estimator_has_not_is_refused_with_the_nearest(
    tmp_path: Path,
) -> None:
    sweep = Sweep(
        trainable={"name": "sklearn", "estimator": "sklearn.svm.SVC"},
        data="sklearn:iris",
        parameters={"gama": {"min": 0.1, "max": 1.0}, "C": 1.0},
    )
    with pytest.raises(SweepError) as error:
        chosen(sweep, tmp_path)
    assert [problem.key for problem in error.value.problems] == [("parameters", "gama")]
    assert "is no parameter of sklearn.svm.SVC" in str(error.value)
    assert 'Did you mean "gamma"?' in str(error.value)


def test_more_than_one_table_is_refused(tmp_path: Path) -> None:
    settings = ready.Estimator.model_validate({})
    with pytest.raises(DataError, match="one path"):
        Estimator(settings, ["sklearn:iris", "sklearn:wine"], tmp_path).check()
