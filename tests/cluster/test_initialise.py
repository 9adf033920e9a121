import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from nightsweep.cluster.initialise import initialise
from nightsweep.search import ready, sweepfile
from nightsweep.search.errors import RunFolderError
from nightsweep.search.study import Study
from nightsweep.search.sweep import Sweep
from nightsweep.trainables.function import load
from nightsweep.trainables.job import Answer, Job, Message, Step
from nightsweep.trainables.trial import Trial

NAMES = ["sweep.yaml", "train.py", "sweep.schema.json"]


class Recorder:
    """Notes reports down; lets trials train on."""

    halting = False

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def send(self, message: Message) -> None:
        assert isinstance(message, Step)
        self.steps.append(message)

    def ask(self, step: Step) -> Answer:
        raise AssertionError("nothing is to be decided here")


def test_the_files_are_written_the_sweep_file_first(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "project"
    assert initialise(folder) == [folder / name for name in NAMES]
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunFolderError) as caught:
        initialise(tmp_path)
    assert str(caught.value) == f"{tmp_path / name} exists already; name another folder"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_every_file_in_the_way_is_named(tmp_path: Path) -> None:
    initialise(tmp_path)
    with pytest.raises(RunFolderError) as caught:
        initialise(tmp_path)
    there = ", ".join(str(tmp_path / name) for name in NAMES)
    assert str(caught.value) == f"{there} exists already; name another folder"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match=r"file/project cannot be written: Not a directory$"):
        initialise(tmp_path / "file" / "project")


def test_the_sweep_file_is_right_and_can_be_searched(tmp_path: Path) -> None:
    sweep = sweepfile.load(initialise(tmp_path)[0])
    assert sweep.metric.model_dump() == {"name": "val_loss", "goal": "minimize"}
    first = Study(sweep).ask()
    assert first is not None
    assert {name: first.config[name] for name in ("lr", "units", "batch_size", "optimizer")} == {
        "lr": 1e-3,
        "units": 64,
        "batch_size": 32,
        "optimizer": "adam",
    }


def test_the_sweep_file_obeys_the_schema_beside_it(tmp_path: Path) -> None:
    file, _, schema = initialise(tmp_path)
    values = sweepfile.read(file)[0]
    jsonschema.validate(values, json.loads(schema.read_text()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values | {"max_epoch": 3}, json.loads(schema.read_text()))


def test_the_sweep_file_names_the_schema_for_editors(tmp_path: Path) -> None:
    first = initialise(tmp_path)[0].read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=sweep.schema.json"


def test_the_sweep_file_is_yaml_for_other_readers_too(tmp_path: Path) -> None:
    values = yaml.safe_load(initialise(tmp_path)[0].read_text())
    assert list(values["parameters"]) == [
        "lr",
        "layers",
        "units",
        "batch_size",
        "optimizer",
        "momentum",
        "dropout",
    ]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_training_function_trains(tmp_path: Path, optimizer: str) -> None:
    file = initialise(tmp_path)[0]
    sweep = sweepfile.load(file)
    assert sweep.train is not None
    config = {"lr": 0.01, "layers": 1, "units": 16, "batch_size": 64, "dropout": 0.1}
    config |= {"optimizer": optimizer, "momentum": 0.9}  # type: ignore[dict-item]
    job = Job(
        trial=1,
        config=config,
        epoch=0,
        until=2,
        max_epochs=2,
        metrics=(sweep.metric.name,),
        seed=1,
        folder=tmp_path / "1",
    )
    recorder = Recorder()
    load(sweep.train, file.parent)(config, Trial(job, recorder))
    assert [list(step.metrics) for step in recorder.steps] == [
        ["train_loss", "val_loss", "val_accuracy"]
    ] * 2
    assert recorder.steps[1].metrics["val_loss"] < recorder.steps[0].metrics["val_loss"]


def test_a_trainable_is_spelled_out_in_a_file_that_means_the_same(tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text("a,price\n")
    sweep = Sweep(
        name="my",
        trainable={"name": "tabular", "target": "price", "cv": 4},
        data=[str(tmp_path / "my.csv")],
        slots=3,
    )
    files = initialise(tmp_path / "new", sweep)
    assert [file.name for file in files] == ["sweep.yaml", "sweep.schema.json"]
    found = sweepfile.load(files[0])
    assert found == sweep.model_copy(update={"trials": 60})
    jsonschema.validate(yaml.safe_load(files[0].read_text()), json.loads(files[1].read_text()))


def test_paths_to_data_count_from_the_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file, _ = initialise(Path("new"), Sweep(trainable="tabular", data=["my.csv", "sklearn:iris"]))
    assert sweepfile.load(file).data == ("../my.csv", "sklearn:iris")


def test_so_do_other_paths_and_names_stay_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = Sweep(
        trainable={"name": "text", "target": "ラベル", "tokenizer": "tokens"}, data=["~/a.csv"]
    )
    file, _ = initialise(Path("text"), text)
    assert "target: ラベル" in file.read_text(encoding="utf-8")
    found = sweepfile.load(file)
    assert isinstance(found.trainable, ready.Text)
    assert found.trainable.tokenizer == "../tokens"
    assert found.data == ("~/a.csv",)
    own = Sweep(
        trainable={"name": "sklearn", "estimator": "mine.py:made"},
        data=["my.csv"],
        parameters={"depth": {"min": 1, "max": 3}},
    )
    found = sweepfile.load(initialise(Path("own"), own)[0])
    assert isinstance(found.trainable, ready.Estimator)
    assert found.trainable.estimator == "../mine.py:made"
