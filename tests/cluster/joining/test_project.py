"""What a sweep needs on every node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.joining.project import check_data, of, root
from nightsweep.search.errors import SweepError
from nightsweep.search.sweep import Sweep
from nightsweep.trainables.digits import train

HERE, SUB, ELSEWHERE = Path("/home/me/p"), Path("/home/me/p/sweeps"), Path("/opt/q")


@pytest.mark.parametrize(
    ("code", "folder", "found"),
    [
        (HERE / "train.py", HERE, HERE),
        (HERE / "src" / "train.py", SUB, HERE),
        (ELSEWHERE / "a" / "train.py", ELSEWHERE, ELSEWHERE),
        (HERE / "train.py", ELSEWHERE, None),
        (Path("/usr/lib/python3/site-packages/x/train.py"), HERE, None),
        (HERE / ".venv/lib/python3.11/site-packages/x.py", HERE, None),
        (None, HERE, None),
    ],
    ids=["beside", "above", "there", "apart", "installed", "installed here", "by hand"],
)
def test_the_projects_folder_holds_the_sweep_file_and_the_function(
    code: Path | None, folder: Path, found: Path | None
) -> None:
    assert root(code, folder, HERE, Path("/home/me")) == found


@pytest.mark.parametrize("here", ["/home/me", "/home", "/"])
def test_a_home_that_one_happens_to_stand_in_is_no_project(here: str) -> None:
    assert root(HERE / "train.py", HERE, Path(here), Path("/home/me")) == HERE


def sweep(**changes: Any) -> Sweep:
    return Sweep(**{"metric": "loss", "parameters": {"x": {"min": 0.0, "max": 1.0}}} | changes)


def test_a_function_of_nightsweeps_own_needs_no_folder(tmp_path: Path) -> None:
    found = of(sweep(), train, tmp_path, tmp_path / "run")
    assert found.root is None
    assert "nightsweep" not in found.modules


def test_a_file_beside_the_sweep_file_travels_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "project_code.py").write_text("def train(config, trial): pass\n")
    monkeypatch.chdir(tmp_path)
    found = of(sweep(), "../project_code.py:train", tmp_path / "sweeps", tmp_path / "run")
    assert (found.root, found.inside) == (tmp_path, Path("sweeps"))


def test_an_installed_library_must_be_on_the_nodes(tmp_path: Path) -> None:
    found = of(sweep(), "pytest:main", tmp_path, tmp_path / "run")
    assert found.root is None
    assert "_pytest" in found.modules


def test_data_counts_from_the_sweep_files_folder(tmp_path: Path) -> None:
    (tmp_path / "a.npz").touch()
    both = sweep(data=["a.npz", "/etc"])
    check_data(both, tmp_path)
    assert of(both, train, tmp_path, tmp_path).data == [tmp_path / "a.npz", Path("/etc")]


def test_data_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SweepError) as caught:
        check_data(sweep(data="b.npz"), tmp_path, "sweep.yaml")
    assert str(caught.value) == f"sweep.yaml: data: there is no {tmp_path}/b.npz"
