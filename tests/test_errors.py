import inspect
import re

import pytest

from nightsweep.search import errors
from nightsweep.search.errors import (
    JournalError,
    LockedError,
    NightsweepError,
    Problem,
    RunFolderError,
    SweepError,
)


def drawn() -> dict[str, str]:
    """Each error in the tree at the top of errors.py, and the one that it hangs from."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^([│ ├└─]*)(\w+Error)\b", line):
            depth = len(match[1]) // 4
            path = [*path[:depth], match[2]]
            parents[match[2]] = path[depth - 1] if depth else "Exception"
    return parents


def test_the_tree_at_the_top_is_the_tree_there_is() -> None:
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    kinds = [kind for kind in classes if issubclass(kind, Exception)]
    real = {kind.__name__: kind.__bases__[0].__name__ for kind in kinds}
    assert drawn() == real


def test_a_wrong_sweep_is_a_value_error_too() -> None:
    assert issubclass(SweepError, ValueError)


@pytest.mark.parametrize("kind", [LockedError, JournalError])
def test_a_locked_or_broken_run_is_a_trouble_of_its_folder(kind: type[Exception]) -> None:
    assert issubclass(kind, RunFolderError)
    assert issubclass(kind, NightsweepError)


def test_every_error_says_in_its_docstring_when_it_happens() -> None:
    assert [name for name in drawn() if not vars(errors)[name].__doc__] == []


def test_a_problem_is_shown_with_the_path_of_its_key() -> None:
    assert str(Problem(key=("parameters", "lr", "min"), message="is missing")) == (
        "parameters.lr.min: is missing"
    )


def test_a_problem_of_the_whole_is_shown_alone() -> None:
    assert str(Problem(key=(), message="no such file")) == "no such file"


def test_every_problem_of_a_sweep_is_shown_on_a_line_of_its_own() -> None:
    first = Problem(key=("trials",), message="must be at least 1, not 0", line=3)
    second = Problem(key=("metric",), message="is missing")
    error = SweepError([first, second], source="sweep.yaml")
    assert str(error).splitlines() == [
        "sweep.yaml:3: trials: must be at least 1, not 0",
        "sweep.yaml: metric: is missing",
    ]
    assert error.problems == (first, second)
