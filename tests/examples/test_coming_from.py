"""Scripts of other frameworks, and the few lines with which each is tuned."""

from __future__ import annotations

import difflib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import nightsweep

EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDS = {
    "own_loop": "torch",
    "ddp": "torch",
    "lightning_module": "lightning",
    "huggingface": "transformers",
}
MOST = 5  # changed lines

pytestmark = pytest.mark.examples


def needed(name: str) -> None:
    if importlib.util.find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")


def code(path: Path) -> list[str]:
    """A script without the docstring at its top."""
    lines = path.read_text().splitlines()
    return lines[lines.index('"""', 1) + 1 :]


@pytest.mark.parametrize("name", NEEDS)
def test_a_script_is_tuned_with_at_most_five_changed_lines(name: str) -> None:
    plain, tuned = code(EXAMPLES / "plain" / f"{name}.py"), code(EXAMPLES / f"{name}.py")
    changed = [line[2:] for line in difflib.ndiff(plain, tuned) if line.startswith("+ ")]
    assert 0 < len([line for line in changed if line.strip()]) <= MOST
    gone = [line[2:] for line in difflib.ndiff(plain, tuned) if line.startswith("- ")]
    start = gone.index('if __name__ == "__main__":')
    assert len([line for line in gone[:start] if line.strip()]) < MOST


@pytest.mark.parametrize("name", NEEDS)
def test_the_script_runs_without_nightsweep(name: str, tmp_path: Path) -> None:
    needed(name)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    start = [sys.executable, *(torchrun if name == "ddp" else [])]
    script = EXAMPLES / "plain" / f"{name}.py"
    done = subprocess.run([*start, str(script)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.ray
@pytest.mark.parametrize("name", NEEDS)
def test_the_sweep_runs_to_its_end(name: str, tmp_path: Path) -> None:
    needed(name)
    sweep = [str(EXAMPLES / f"{name}.yaml"), "--trials", "3", "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-m", "nightsweep", "run", *sweep],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "all 3 trials are decided" in done.stdout
    results = nightsweep.load(tmp_path / "run")
    assert results.best is not None
    assert set(results.trials["status"]) <= {"completed", "stopped"}
    for trial in (tmp_path / "run" / "trials").iterdir():
        assert "Traceback" not in (trial / "log.txt").read_text()


@pytest.mark.ray
def test_the_notebook_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONWARNINGS", "default")  # which pytest has made errors, here
    told = {"metadata": {"path": str(tmp_path)}}
    notebook = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=500, resources=told).execute()
    _, _, search, trials, curves = (c for c in notebook.cells if c.cell_type == "code")
    printed = [output["text"] for output in search.outputs if output.get("name") == "stdout"]
    assert "all 12 trials are decided" in "".join(printed)
    assert "best/val_loss" in trials.outputs[-1]["data"]["text/html"]
    assert "epoch" in curves.outputs[-1]["data"]["text/html"]
