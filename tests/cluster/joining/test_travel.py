"""What of a project's folder travels to nodes that do not have it."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePath

import pytest
from ray._private.runtime_env import packaging

from nightsweep.cluster.joining.travel import Luggage, luggage, own, runtime_env
from nightsweep.search.errors import ClusterError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with code, and all that does not belong into it."""
    root = tmp_path / "project"
    for name in (
        "sweep.yaml", "train.py", "models/net.py", ".git/HEAD", ".venv/lib/a.py", "data/big.npz",
        "env/pyvenv.cfg", "env/lib/b.py", "runs/old/journal.jsonl", "runs/old/best/state.pt",
        "runs/new/sweep.json", "__pycache__/train.pyc",
    ):  # fmt: skip
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (root / ".gitignore").write_text("data\n")
    return root


CODE = {PurePath(name) for name in (".gitignore", "sweep.yaml", "train.py", "models/net.py")}


def test_code_travels_and_runs_environments_and_what_git_ignores_do_not(project: Path) -> None:
    found = luggage(project, project / "runs" / "new")
    assert set(found.files) == CODE
    assert found.bytes == sum((project / path).stat().st_size for path in CODE)


def test_what_ray_packs_is_just_that(project: Path, tmp_path: Path) -> None:
    """A contract with Ray, whose rules are asked for here: ray._private.runtime_env.packaging."""
    env = runtime_env(luggage(project, project / "runs" / "new"), package=False)
    excludes = [".git", ".venv", "venv", "__pycache__", *env["excludes"]]
    packaging.create_package(
        env["working_dir"], tmp_path / "a.zip", include_gitignore=True, excludes=excludes
    )
    names = zipfile.ZipFile(tmp_path / "a.zip").namelist()
    assert {PurePath(name) for name in names if not name.endswith("/")} == CODE


def test_only_python_files_are_compared(project: Path) -> None:
    code = luggage(project, project / "runs" / "new").code
    assert {Path(name).name for name in code} == {"train.py", "net.py"}


def test_names_with_the_signs_of_patterns_are_meant_as_they_are(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "a*b [1]"
    run.mkdir(parents=True)
    env = runtime_env(luggage(tmp_path, run), package=False)
    assert env["excludes"] == [r"/runs/a\*b\ \[1\]"]


def test_what_is_too_large_is_refused_with_what_is_large_in_it() -> None:
    files = {
        PurePath("data/a.npz"): 90_000_000, PurePath("data/b.npz"): 60_000_000,
        PurePath("weights.pt"): 20_000_000, PurePath("train.py"): 1_000,
    }  # fmt: skip
    with pytest.raises(ClusterError) as caught:
        Luggage(root=Path("/project"), files=files).check()
    assert str(caught.value) == (
        "/project is not on every node, and is too large to be sent there (4 files, 170 MB; the "
        "limit is 100 MB): data 150 MB, weights.pt 20 MB, train.py 1 KB. Name what training does "
        "not import in .gitignore (and what it reads in data:), or put the folder on storage that "
        "all nodes share"
    )


def test_what_is_within_the_limit_is_not_refused() -> None:
    Luggage(root=Path("/project"), files={PurePath("a"): 100_000_000}).check()


def test_nightsweep_itself_is_sent_as_its_package(tmp_path: Path) -> None:
    assert runtime_env(None, package=True) == {"py_modules": [str(own())]}
    packaging.create_package(
        str(own()), tmp_path / "a.zip", include_gitignore=True, include_parent_dir=True
    )
    names = set(zipfile.ZipFile(tmp_path / "a.zip").namelist())
    assert {"nightsweep/__init__.py", "nightsweep/search/study.py"} <= names  # links are followed
