"""`trainable: sklearn`: any estimator of scikit-learn's kind, an epoch of which is a fold."""

from __future__ import annotations

import inspect
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..search import ready
from ..search.brief import first_line
from ..search.errors import DataError, Problem, SweepError
from ..search.nearest import did_you_mean, nearest
from ..search.ready.estimator import FOREST
from ..search.units import plural
from . import function
from .folds import Scores, seed_of
from .host import seed_everything
from .ready import one
from .table.columns import learned
from .table.encoder import encoder, readable
from .table.lesson import Lesson, lesson
from .table.split import Numbers
from .trial import Trial

NEEDED = ("fit", "predict", "get_params", "set_params")
COUNTS = re.compile("poisson|gamma|tweedie")  # losses of targets that must not be negative


class Estimator:
    """Fits an estimator fold by fold. `data`: one path, or `sklearn:digits`.

    Its columns are made ready, and a target of numbers standardised, by what is fitted on a fold's
    training rows alone; a Pipeline of the user's own gets both as they stand. `folder`: where the
    user's own code lies.
    """

    def __init__(self, settings: ready.Estimator, data: list[str], folder: Path) -> None:
        self.settings = settings
        self.data = data
        self._folder = folder

    def check(self) -> None:
        """Errors: DataError, where table, estimator and score do not go together."""
        self._suits()
        self._scores()
        for train, _ in self._lesson.parts:
            learned(self._lesson.raw, train)

    def allow(self, parameters: Mapping[str, Any]) -> None:
        """Errors: SweepError for parameters that the estimator does not have."""
        known = sorted(self._blank(classes=True).get_params())
        problems = [
            Problem(
                key=("parameters", name),
                message=f"is no parameter of {self._name}; it has {did_you_mean(name, known)}",
            )
            for name in parameters
            if name not in known
        ]
        if problems:
            raise SweepError(problems)

    def __call__(self, config: dict[str, Any], trial: Trial) -> None:
        """Fit one configuration in fold after fold; what is in it are the estimator's parameters.

        Reported: val_score, train_score, means over the folds so far; val_score_std, fold_score;
        after the last fold test_score, of a fit on all rows but those for testing.
        """
        done, parts, test = Scores(), self._lesson.parts, self._lesson.test
        trial.keep(folds=done)
        for number in trial.epochs(len(parts)):
            train, val = parts[number - 1]
            with _told(f"fold {number}"):
                fitted = self._fitted(config, train, seed_of(trial, number), trial.cpus)
                own = {"val_score": self._score(fitted, val)}
                done.add(own | {"train_score": self._score(fitted, train)})
            found = done.summary()
            if number == len(parts) and len(test):
                with _told("all folds"):
                    fitted = self._fitted(config, self._lesson.seen, trial.seed, trial.cpus)
                    found["test_score"] = self._score(fitted, test)
            trial.report(found)

    def _fitted(self, config: Mapping[str, Any], rows: Numbers, seed: int, cpus: int) -> Any:
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import StandardScaler

        seed_everything(seed)  # whatever an estimator draws from
        classes = bool(self._lesson.target.classes)
        model = self._blank(classes=classes).set_params(**config)
        _fill(model, "random_state", seed % 2**32)
        _fill(model, "n_jobs", cpus)
        if not isinstance(model, Pipeline):
            if not classes and not _particular(model):  # or C and alpha would mean its unit
                scale = StandardScaler()
                model = TransformedTargetRegressor(model, transformer=scale, check_inverse=False)
            columns = encoder(learned(self._lesson.raw, rows), whole=True)
            model = Pipeline([("columns", columns), ("estimator", model)])
        return model.fit(self._rows.iloc[rows], self._lesson.target.values[rows])

    def _score(self, fitted: Any, rows: Numbers) -> float:
        asked = getattr(self._scorer, "_response_method", "predict")
        asked = (asked,) if isinstance(asked, str) else asked
        if not any(hasattr(fitted, method) for method in asked):  # with some parameters only
            raise DataError(
                f"scoring: {self._scored} asks for {' or '.join(asked)}, which {self._name} does "
                "not have with these parameters"
            )
        return float(self._scorer(fitted, self._rows.iloc[rows], self._lesson.target.values[rows]))

    @cached_property
    def _lesson(self) -> Lesson:
        return lesson(one(self.data, "sklearn"), self.settings)

    @cached_property
    def _rows(self) -> Any:
        """What is fitted to: for a Pipeline the table as it stands."""
        from sklearn.pipeline import Pipeline

        own = isinstance(self._blank(classes=True), Pipeline)
        return self._lesson.frame if own else readable(self._lesson.raw)

    @cached_property
    def _scorer(self) -> Any:
        """Errors: DataError."""
        from sklearn.metrics import get_scorer, get_scorer_names

        name = self._scored
        if name not in get_scorer_names():
            near = nearest(name, get_scorer_names())
            hint = f'; did you mean "{near}"?' if near else ""
            raise DataError(f"scoring: scikit-learn has no score {name!r}{hint}")
        return get_scorer(name)

    @property
    def _scored(self) -> str:
        return self.settings.scoring or ("accuracy" if self._lesson.target.classes else "r2")

    @property
    def _name(self) -> str:
        return self.settings.estimator or f"{FOREST}Classifier"

    def _blank(self, *, classes: bool) -> Any:
        """The estimator, not fitted. `classes`: which of two forests. Errors: DataError ..."""
        from sklearn.base import clone

        given = self.settings.estimator
        name = given or FOREST + ("Classifier" if classes else "Regressor")
        found = function.find(_reference(name), self._folder, "estimator")
        if inspect.isclass(found) or (callable(found) and not hasattr(found, "fit")):
            found = _made(name, found)
        lacking = [method for method in NEEDED if not hasattr(found, method)]
        if lacking:
            raise DataError(
                f"estimator: {name} is of type {type(found).__name__}, without "
                f"{', '.join(lacking)}; "
                "name an estimator of scikit-learn's kind, its class, or a function that makes one"
            )
        return _made(name, lambda: clone(found))

    def _suits(self) -> None:
        """Errors: DataError for a classifier where numbers are predicted, or the reverse."""
        from sklearn.base import is_classifier, is_regressor

        classes = self._lesson.target.classes
        model = self._blank(classes=bool(classes))
        try:
            numbers, words = is_regressor(model), is_classifier(model)
        except AttributeError:  # it has none of scikit-learn's classes above it
            raise DataError(
                f"estimator: {self._name} does not say what it predicts; derive it from "
                "sklearn.base.ClassifierMixin or RegressorMixin, and from BaseEstimator"
            ) from None
        if classes and numbers:
            raise DataError(
                f"estimator: {self._name} predicts numbers, and the target has {len(classes)} "
                "classes; name a classifier, or write task: regression"
            )
        if not classes and words:
            raise DataError(
                f"estimator: {self._name} predicts classes, and the target is numbers; name a "
                "regressor, or write task: classification"
            )

    def _scores(self) -> None:
        """Errors: DataError for a score that the target, or the rows of some fold, do not suit."""
        whole = self._lesson
        judged = [(f"fold {number}", *rows) for number, rows in enumerate(whole.parts, 1)]
        if len(whole.test):
            judged.append(("the test part", whole.seen, whole.test))
        for where, train, rows in judged:
            if why := self._unscored(train, rows):
                what = (
                    f"{len(whole.target.classes)} classes" if whole.target.classes else "numbers"
                )
                raise DataError(
                    f"scoring: {self._scored} does not suit a target of {what}, judged by the "
                    f"{plural(len(rows), 'row')} of {where}: {why}"
                )

    def _unscored(self, train: Numbers, rows: Numbers) -> str:
        """Why a guess that is learned from some rows cannot be judged by others; "" if it can."""
        from sklearn.dummy import DummyClassifier, DummyRegressor

        target = self._lesson.target
        guess = DummyClassifier(strategy="prior") if target.classes else DummyRegressor()
        guess.fit(np.zeros((len(train), 1)), target.values[train])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = self._scorer(guess, np.zeros((len(rows), 1)), target.values[rows])
        except (ValueError, AttributeError, TypeError) as error:
            return first_line(error)
        return "" if np.isfinite(found) else "there it is no number; ask for fewer folds"


def _reference(name: str) -> str:
    """`module:name` of an import path that may be written with a dot instead."""
    if ":" in name or "." not in name:
        return name
    module, _, last = name.rpartition(".")
    return f"{module}:{last}"


def _made(name: str, make: Callable[[], Any]) -> Any:
    """What a user's own code makes. Errors: DataError."""
    try:
        return make()
    except Exception as error:
        why = f"{type(error).__name__}: {first_line(error)}"
        raise DataError(f"estimator: {name} cannot be made: {why}") from None


def _particular(model: Any) -> bool:
    """Whether a regressor needs the target as it is: it counts, or transforms it itself."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.utils import get_tags

    if isinstance(model, TransformedTargetRegressor) or get_tags(model).target_tags.positive_only:
        return True
    values = model.get_params().values()
    return any(isinstance(value, str) and COUNTS.search(value) for value in values)


def _fill(model: Any, name: str, value: int) -> None:
    """Set a parameter of this name, in steps of a pipeline too, where nothing has been set."""
    for path, given in model.get_params().items():
        if given is None and path.rpartition("__")[2] == name:
            model.set_params(**{path: value})


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Warnings, such as of a solver that did not converge, go to the trial's log, each once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "'n_jobs' has no effect")
        yield
    for line in dict.fromkeys(
        f"{warning.category.__name__}: {warning.message}" for warning in caught
    ):
        print(f"{where}: {line}", file=sys.stderr)
