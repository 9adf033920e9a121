import functools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from nightsweep.search.errors import TrainingFunctionError
from nightsweep.trainables import digits
from nightsweep.trainables.function import Kind, check, kind_of, load, reference_to

GOOD = """
def train(config, trial):
    return config["lr"]
"""

Write = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Each test leaves what can be imported, and what has been, as it was."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file in the folder of the test."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    return write


def refusal(reference: str, folder: Path = Path()) -> str:
    """Why no function is found there."""
    with pytest.raises(TrainingFunctionError) as caught:
        load(reference, folder)
    return str(caught.value)


def called(function: Any) -> Any:
    return function({"lr": 0.5}, None)


def test_a_function_is_loaded_from_a_module(tmp_path: Path) -> None:
    assert load("nightsweep.trainables.digits:train", tmp_path) is digits.train


def test_a_module_beside_the_sweep_file_can_be_imported(tmp_path: Path, write: Write) -> None:
    write("mylab/models.py", GOOD)
    assert called(load("mylab.models:train", tmp_path)) == 0.5


def test_a_module_in_the_working_folder_can_be_imported(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("here.py", GOOD)
    monkeypatch.chdir(tmp_path)
    assert called(load("here:train", tmp_path / "sweeps")) == 0.5


def test_a_function_is_loaded_from_a_file_beside_the_sweep_file(
    tmp_path: Path, write: Write
) -> None:
    write("code/fit.py", GOOD)
    assert called(load("code/fit.py:train", tmp_path)) == 0.5


def test_a_file_may_be_named_from_the_root(tmp_path: Path, write: Write) -> None:
    path = write("fit.py", GOOD)
    assert called(load(f"{path}:train", Path("elsewhere"))) == 0.5


def test_a_file_may_import_its_neighbours(tmp_path: Path, write: Write) -> None:
    write("code/neighbour.py", "LR = 0.25")
    write("code/fit.py", "import neighbour\ndef train(config, trial): return neighbour.LR")
    assert called(load("code/fit.py:train", tmp_path)) == 0.25


def test_a_function_may_belong_to_a_class(tmp_path: Path, write: Write) -> None:
    write(
        "fit.py",
        """
        class Net:
            @staticmethod
            def train(config, trial): return 0.75
        """,
    )
    assert called(load("fit.py:Net.train", tmp_path)) == 0.75


def test_a_file_is_run_once_however_often_it_is_named(tmp_path: Path, write: Write) -> None:
    write("fit.py", GOOD)
    assert load("fit.py:train", tmp_path) is load("fit.py:train", tmp_path)


def test_two_files_of_one_name_are_kept_apart(tmp_path: Path, write: Write) -> None:
    write("a/fit.py", "def train(config, trial): return 'a'")
    write("b/fit.py", "def train(config, trial): return 'b'")
    functions = [load(f"{folder}/fit.py:train", tmp_path) for folder in "ab"]
    assert [called(function) for function in functions] == ["a", "b"]


@pytest.mark.parametrize("reference", ["train", "fit.py", ":train", "fit.py:", ""])
def test_a_reference_without_a_function_is_refused(reference: str) -> None:
    assert refusal(reference) == (
        f"train: {reference!r} names no function; write module:function or file.py:function"
    )


def test_a_misspelt_function_is_refused_with_the_nearest(tmp_path: Path, write: Write) -> None:
    write("fit.py", GOOD)
    assert refusal("fit.py:trian", tmp_path) == (
        "train: fit.py holds no 'trian'; did you mean \"fit.py:train\"?"
    )


def test_a_function_that_resembles_none_is_refused(tmp_path: Path, write: Write) -> None:
    write("fit.py", GOOD)
    assert refusal("fit.py:objective", tmp_path) == "train: fit.py holds no 'objective'"


def test_a_file_that_is_missing_is_named_with_its_folder(tmp_path: Path) -> None:
    assert refusal("fit.py:train", tmp_path) == f"train: there is no file {tmp_path / 'fit.py'}"


@pytest.mark.parametrize("name", ["nowhere_at_all", "nightsweep.nowhere_at_all"])
def test_a_module_that_is_missing_is_named(name: str) -> None:
    assert refusal(f"{name}:train") == (
        f"train: there is no module {name!r} here; is its folder the current one, "
        "and is its package installed?"
    )


def test_a_package_that_is_missing_is_named_not_the_module_in_it() -> None:
    assert refusal("nowhere_at_all.models:train").startswith(
        "train: there is no module 'nowhere_at_all' here;"
    )


def test_an_error_on_import_is_shown_with_the_user_s_lines_alone(
    tmp_path: Path, write: Write
) -> None:
    broken = write("broken.py", "import fractions\nhalf = fractions.Fraction(1, 0)\n")
    lines = refusal("broken.py:train", tmp_path).splitlines()
    assert lines[0] == f"train: {broken} cannot be imported:"
    assert lines[1:3] == [
        f'  File "{broken}", line 2, in <module>',
        "    half = fractions.Fraction(1, 0)",
    ]
    assert lines[-1] == "ZeroDivisionError: Fraction(1, 0)"


def test_an_error_on_import_of_a_module_is_shown_alike(tmp_path: Path, write: Write) -> None:
    inner = write("lab/inner.py", "1 / 0\n")
    outer = write("lab/outer.py", "import lab.inner\n")
    shown = [line for line in refusal("lab.outer:train", tmp_path).splitlines() if "~" not in line]
    assert shown == [
        "train: lab.outer cannot be imported:",
        f'  File "{outer}", line 1, in <module>',
        "    import lab.inner",
        f'  File "{inner}", line 1, in <module>',
        "    1 / 0",
        "ZeroDivisionError: division by zero",
    ]


def test_a_package_that_the_user_s_module_misses_is_shown_with_its_line(
    tmp_path: Path, write: Write
) -> None:
    broken = write("missing_train.py", "import missing\n")
    assert refusal("missing_train:train", tmp_path).splitlines() == [
        "train: missing_train cannot be imported:",
        f'  File "{broken}", line 1, in <module>',
        "    import missing",
        "ModuleNotFoundError: No module named 'missing'",
    ]


def test_a_slip_of_syntax_is_shown_with_file_and_line(tmp_path: Path, write: Write) -> None:
    broken = write("broken.py", "def train(config, trial)\n    pass\n")
    assert refusal("broken.py:train", tmp_path).splitlines()[:3] == [
        f"train: {broken} cannot be imported:",
        f'  File "{broken}", line 1',
        "    def train(config, trial)",
    ]


@pytest.mark.parametrize("reference", ["leaving.py:train", "leaving:train"])
def test_a_module_that_calls_sys_exit_on_import_is_refused(
    tmp_path: Path, write: Write, reference: str
) -> None:
    write("leaving.py", "import sys\nsys.exit(0)\n")
    assert refusal(reference, tmp_path).splitlines()[-1] == "SystemExit: 0"


def test_a_file_that_failed_is_read_again_once_it_is_mended(tmp_path: Path, write: Write) -> None:
    write("fit.py", "1 / 0")
    refusal("fit.py:train", tmp_path)
    write("fit.py", GOOD)
    assert called(load("fit.py:train", tmp_path)) == 0.5


def test_what_is_no_function_is_refused(tmp_path: Path, write: Write) -> None:
    write("fit.py", "train = {'lr': 0.1}")
    assert refusal("fit.py:train", tmp_path) == "train: fit.py:train is a dict, not a function"


@pytest.mark.parametrize("arguments", ["()", "(config, trial, data)", "(*, config)"])
def test_wrong_arguments_are_refused(tmp_path: Path, write: Write, arguments: str) -> None:
    write("fit.py", f"def train{arguments}: pass")
    assert refusal("fit.py:train", tmp_path) == (
        f"train: fit.py:train{arguments} cannot be called; it must take (config, trial), or "
        "(config) if it reports through ray.tune.report, or (trial) if it is an objective of "
        "Optuna's"
    )


def test_it_is_known_how_a_function_is_called() -> None:
    def ours(config: Any, trial: Any) -> None: ...
    def with_more(config: Any, trial: Any, data: Any = None) -> None: ...
    def ray_s(config: Any) -> None: ...
    def optuna_s(trial: Any) -> None: ...
    def with_data(trial: Any, data: Any = None) -> None: ...
    def anything(*arguments: Any) -> None: ...

    class Objective:
        def __call__(self, trial: Any) -> None: ...

    class Trains:
        def setup(self, config: Any) -> None: ...
        def step(self) -> None: ...
        def save_checkpoint(self, folder: str) -> None: ...
        def load_checkpoint(self, folder: str) -> None: ...

    functions: list[Callable[..., Any]] = [ours, with_more, anything, max]
    assert [kind_of(function) for function in functions] == [Kind.OURS] * 4
    assert [kind_of(ray_s), kind_of(functools.partial(ours, {}))] == [Kind.TUNE, Kind.OBJECTIVE]
    assert kind_of(Trains) is Kind.TUNE_CLASS
    objectives: list[Callable[..., Any]] = [optuna_s, with_data, Objective(), lambda trial: None]
    assert [kind_of(objective) for objective in objectives] == [Kind.OBJECTIVE] * 4


def test_a_function_in_hand_is_checked_like_one_by_name() -> None:
    with pytest.raises(TrainingFunctionError, match=r"^train: it is a int, not a function$"):
        check(3, "it")
    check(lambda config, trial: None, "it")


def test_a_function_of_a_module_can_be_named_for_other_processes() -> None:
    assert reference_to(digits.train) == "nightsweep.trainables.digits:train"


def test_a_function_inside_another_cannot_be_named() -> None:
    def inner(config: Any, trial: Any) -> None: ...

    assert reference_to(inner) is None
    assert reference_to(lambda config, trial: None) is None
    assert reference_to(functools.partial(inner, {})) is None


def test_a_function_of_a_script_is_named_by_its_file(tmp_path: Path, write: Write) -> None:
    script = write(
        "script.py",
        """
        from nightsweep.trainables.function import reference_to
        def train(config, trial): pass
        print(reference_to(train))
        """,
    )
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{script}:train\n"


@pytest.mark.parametrize(
    "reference",
    [
        ".train:train", "..:train", "os:__import__('os')", "os:mkdir('{folder}/sentinel')",
        "os;import os:mkdir", "os:environ", "os:path", "nightsweep:__builtins__.exec",
        "fit.py:train()", "fit.py:__dict__['train']", "\0:train", "\0.py:train",
        "{long}.py:train", "{long}:train", "https://example.org/fit.py:train", "os::mkdir",
    ],
)  # fmt: skip
def test_a_reference_that_is_more_than_a_name_is_refused_and_not_run(
    reference: str, tmp_path: Path
) -> None:
    (tmp_path / "fit.py").write_text("def train(config, trial): ...\n")
    with pytest.raises(TrainingFunctionError, match=r"^train: "):
        load(reference.format(folder=tmp_path, long="x" * 300), tmp_path)
    assert not (tmp_path / "sentinel").exists()
