import ast
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import nightsweep

ROOT = Path(__file__).parents[1]
FOLDERS = ("search", "trainables", "cluster")
LONGEST = 350
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "misc"}
HEAVY = ("ray", "torch", "optuna", "pandas", "scipy", "sklearn", "pydantic")


def modules() -> list[Path]:
    """Every Python file of the three folders."""
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def loaded_by(statement: str) -> set[str]:
    """The heavy packages that a statement brings into a fresh Python."""
    code = f"import sys; {statement}; print(*(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "src"
    )
    return set(done.stdout.split())


def imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports by their full names."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""] if node.level == 0 else []
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def test_every_folder_has_files() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in modules()} == set(FOLDERS)


def test_no_file_is_longer_than_can_be_read_at_once() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_every_file_is_named_after_what_it_holds() -> None:
    assert [path for path in modules() if path.stem in VAGUE] == []


def test_every_file_says_at_its_top_what_it_is_for() -> None:
    silent = [path for path in modules() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_inside_the_folders_imports_are_relative() -> None:
    absolute = {
        f"{path.name}: {name}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        for name in imported(node)
        if name.split(".")[0] in ("nightsweep", *FOLDERS)
    }
    assert absolute == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_import_name_links_to_each_folder(folder: str) -> None:
    link = ROOT / "src" / "nightsweep" / folder
    assert link.is_symlink()
    assert link.readlink() == Path("../..") / folder
    assert link.resolve() == ROOT / folder


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_folder_is_imported_under_one_name(folder: str) -> None:
    module = importlib.import_module(f"nightsweep.{folder}")
    assert module.__file__ is not None
    assert Path(module.__file__).resolve() == ROOT / folder / "__init__.py"
    assert folder not in sys.modules


def test_the_wheel_takes_the_three_folders_from_the_root() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wheel = built["targets"]["wheel"]
    assert wheel["sources"] == {
        "src/nightsweep": "nightsweep",
        **{folder: f"nightsweep/{folder}" for folder in FOLDERS},
    }
    beside = {path.name for path in (ROOT / "src" / "nightsweep").iterdir() if path.is_file()}
    assert set(wheel["only-include"]) == {
        *FOLDERS,
        *(f"src/nightsweep/{name}" for name in beside),
    }
    assert set(wheel["only-include"]) <= set(built["targets"]["sdist"]["only-include"])


def test_what_nightsweep_offers_is_sorted_and_there() -> None:
    assert nightsweep.__all__ == sorted(nightsweep.__all__)
    assert [name for name in nightsweep.__all__ if getattr(nightsweep, name, None) is None] == []
    assert dir(nightsweep) == nightsweep.__all__


def test_the_names_that_type_checkers_see_are_those_that_are_offered() -> None:
    tree = ast.parse((ROOT / "src" / "nightsweep" / "__init__.py").read_text())
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in blocks[0].body if isinstance(node, ast.ImportFrom)]
    homes = {alias.name: f".{node.module}" for node in imports for alias in node.names}
    assert homes == nightsweep._HOMES
    assert {*homes, "__version__"} == set(nightsweep.__all__)


def test_a_name_that_nightsweep_does_not_offer_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'nightsweep' has no attribute 'tune'$"):
        nightsweep.tune  # noqa: B018


def test_importing_nightsweep_loads_nothing_heavy() -> None:
    assert loaded_by("import nightsweep") == set()


def test_importing_the_study_loads_no_ray_torch_or_tables() -> None:
    assert loaded_by("from nightsweep.search.study import Study") <= {"pydantic"}


def test_the_command_line_answers_without_waiting_for_ray_or_torch() -> None:
    assert loaded_by("import nightsweep.cluster.cli, nightsweep.cluster.run") <= {"pydantic"}


def test_a_trial_can_be_imported_without_torch() -> None:
    assert loaded_by("from nightsweep import Trial") <= {"pydantic"}
