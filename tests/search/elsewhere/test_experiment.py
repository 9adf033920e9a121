"""Ray Tune's experiments as earlier searches, from files as Tune writes them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from nightsweep.search import Choice, Float, Sweep
from nightsweep.search.earlier import lessons
from nightsweep.search.errors import NightsweepError
from nightsweep.search.events import Learned


def wrote(folder: Path, name: str, config: Any, rows: list[dict[str, Any]]) -> Path:
    """One trial's folder, as its loggers fill it."""
    trial = folder / "experiment" / name
    trial.mkdir(parents=True)
    (trial / "params.json").write_text(json.dumps(config))
    (trial / "params.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    fixed = {"config": config, "hostname": "here", "done": False, "trial_id": "a_1"}
    lines = [json.dumps(row | fixed | {"training_iteration": n}) for n, row in enumerate(rows, 1)]
    (trial / "result.json").write_text("\n".join(lines) + "\n")
    return trial


def losses(*values: float) -> list[dict[str, Any]]:
    return [{"loss": value, "eval": {"loss": value + 1}, "note": "x"} for value in values]


def new(**changes: Any) -> Sweep:
    values: dict[str, Any] = {
        "metric": "loss",
        "parameters": {"lr": Float(min=0.0, max=1.0), "act": Choice(values=["a", "b"])},
        "max_epochs": 9,
        "from": "experiment",
    }
    return Sweep(**(values | changes))


def learned(folder: Path, **changes: Any) -> Learned:
    (found,) = lessons(new(**changes), folder)
    return found


def values(found: Learned) -> list[dict[str, float]]:
    return [
        {epoch: metrics["loss"] for epoch, metrics in one["values"].items()}
        for one in found.results
    ]


def refused(folder: Path, **changes: Any) -> str:
    with pytest.raises(NightsweepError) as caught:
        lessons(new(**changes), folder)
    return str(caught.value).replace(str(folder), "FOLDER")


def test_iterations_are_epochs_and_count_at_the_rungs(tmp_path: Path) -> None:
    wrote(tmp_path, "t_1", {"lr": 0.1, "act": "a", "data": "/x"}, losses(3.0, 2.0, 1.0, 0.5))
    wrote(tmp_path, "t_2", {"lr": 0.2, "act": "b", "data": "/x"}, losses(4.0))
    found = learned(tmp_path)
    assert values(found) == [{"1": 3.0, "3": 1.0}, {"1": 4.0}]
    assert found.results[0]["config"] == {"lr": 0.1, "act": "a"}
    assert (found.leaders, found.missed) == ([1, 2], 0)


def test_where_each_has_reported_once_that_is_what_it_came_to(tmp_path: Path) -> None:
    for n in (1, 2):
        wrote(tmp_path, f"t_{n}", {"lr": n / 10, "act": "a"}, losses(float(n)))
    assert values(learned(tmp_path)) == [{"9": 1.0}, {"9": 2.0}]


def test_metrics_inside_others_have_tunes_names(tmp_path: Path) -> None:
    wrote(tmp_path, "t_1", {"lr": 0.1, "act": "a"}, losses(3.0, 2.0))
    found = learned(tmp_path, metric="eval/loss")
    assert found.results[0]["values"] == {"1": {"eval/loss": 4.0}}


def test_progress_is_read_where_there_are_no_results(tmp_path: Path) -> None:
    trial = wrote(tmp_path, "t_1", {"lr": 0.1, "act": "a"}, [])
    (trial / "result.json").unlink()
    with (trial / "progress.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["training_iteration", "loss", "hostname"])
        writer.writeheader()
        writer.writerows(
            {"training_iteration": n, "loss": 1 / n, "hostname": "here"} for n in (1, 2)
        )
    assert values(learned(tmp_path)) == [{"1": 1.0}]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    trial = wrote(tmp_path, "t_1", {"lr": 0.1, "act": "a"}, losses(3.0, 2.0, 1.0))
    text = (trial / "result.json").read_text()
    (trial / "result.json").write_text(text[:-20])
    assert values(learned(tmp_path)) == [{"1": 3.0}]


def test_any_other_torn_line_is_one_sentence(tmp_path: Path) -> None:
    trial = wrote(tmp_path, "t_1", {"lr": 0.1, "act": "a"}, losses(3.0, 2.0))
    (trial / "result.json").write_text("{\n" + (trial / "result.json").read_text())
    assert refused(tmp_path).startswith("from: FOLDER/experiment/t_1 cannot be read: Expecting")


def test_nan_has_diverged(tmp_path: Path) -> None:
    wrote(tmp_path, "t_1", {"lr": 0.1, "act": "a"}, losses(3.0, float("nan")))
    assert learned(tmp_path).results[0].get("diverged") is True


def test_a_metric_that_was_not_reported_is_named_with_the_nearest(tmp_path: Path) -> None:
    wrote(tmp_path, "t_1", {"lr": 0.1, "act": "a"}, losses(3.0))
    message = refused(tmp_path, metric="los")
    assert message.startswith("from: experiment has reported no los, the metric of this sweep")
    assert 'Did you mean "loss"?' in message


def test_an_experiment_that_has_reported_nothing_is_refused(tmp_path: Path) -> None:
    wrote(tmp_path, "t_1", {"lr": 0.1, "act": "a"}, [])
    assert refused(tmp_path) == (
        "from: no trial of FOLDER/experiment has reported anything; take it out, or wait for one"
    )


def test_the_home_folder_may_be_written_as_a_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    wrote(tmp_path, "t_1", {"lr": 0.1, "act": "a"}, losses(3.0))
    assert len(learned(tmp_path / "any", **{"from": "~/experiment"}).results) == 1


def test_numbers_beyond_all_bounds_are_left_out(tmp_path: Path) -> None:
    trial = wrote(tmp_path, "t_1", {"lr": 0.1, "act": "a"}, losses(3.0, 2.0))
    with (trial / "result.json").open("a") as file:
        file.write(f'{{"training_iteration": 3, "loss": 1{"0" * 400}}}\n')
        file.write('{"training_iteration": Infinity, "loss": 1.0}\n')
    assert values(learned(tmp_path)) == [{"1": 3.0}]


def test_what_is_nested_too_deeply_is_one_sentence(tmp_path: Path) -> None:
    trial = wrote(tmp_path, "t_1", {"lr": 0.1, "act": "a"}, losses(3.0))
    (trial / "params.json").write_text("[" * 100_000)
    assert refused(tmp_path).startswith("from: FOLDER/experiment/t_1 cannot be read: ")


def test_the_folder_above_says_what_lies_in_it(tmp_path: Path) -> None:
    wrote(tmp_path, "t_1", {"lr": 0.1}, losses(3.0))
    assert refused(tmp_path, **{"from": "."}) == (
        "from: FOLDER holds experiments of Ray Tune's; name one: experiment"
    )
