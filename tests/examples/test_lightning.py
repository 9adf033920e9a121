"""Lightning's Trainer trains a trial through one callback."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nightsweep.trainables import checkpoint
from nightsweep.trainables.job import Job
from nightsweep.trainables.lightning import LightningReport
from nightsweep.trainables.trial import Halted, Trial

from ..trainables.links import Halting

pytestmark = [
    pytest.mark.examples,
    pytest.mark.filterwarnings("default"),  # Lightning has much to say
]
pytest.importorskip("lightning")


def a_trial(folder: Path, link: Halting, *, epoch: int = 0, until: int = 1) -> Trial:
    folder.mkdir(exist_ok=True)
    job = Job(
        trial=1, config={}, epoch=epoch, until=until, max_epochs=4, metrics=("val_loss",),
        seed=7, folder=folder,
    )  # fmt: skip
    return Trial(job, link)


def loader(seed: int, *, shuffle: bool) -> DataLoader[Any]:
    x = torch.randn(48, 4, generator=torch.Generator().manual_seed(seed))
    return DataLoader(TensorDataset(x, x.sum(dim=1, keepdim=True)), 16, shuffle=shuffle)


def a_model(package: Any, **hyper: Any) -> Any:
    class Model(package.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 1))
            self.save_hyperparameters(hyper)

        def training_step(self, batch: Any, index: int) -> Any:
            loss = nn.functional.mse_loss(self.layers(batch[0]), batch[1])
            self.log("train_loss", loss, on_epoch=True, on_step=False)
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", nn.functional.mse_loss(self.layers(batch[0]), batch[1]))

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.Adam(self.parameters(), lr=0.05)
            return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.7)]

    torch.manual_seed(3)
    return Model()


def fit(
    trial: Trial,
    report: Any = None,
    *,
    name: str = "lightning.pytorch",
    model: Any = None,
    **options: Any,
) -> tuple[Any, Any]:
    package = importlib.import_module(name)
    report, model = report or LightningReport(trial), model or a_model(package)
    settings = {"max_epochs": trial.max_epochs, "callbacks": [report], "accelerator": "cpu",
                "logger": False, "enable_checkpointing": False,
                "enable_model_summary": False} | options  # fmt: skip
    trainer = package.Trainer(**settings)
    torch.manual_seed(7 if not trial.epoch else 99)  # after a pause, generators stand anywhere
    trainer.fit(
        model, loader(0, shuffle=True), loader(1, shuffle=False), ckpt_path=report.checkpoint
    )
    return model, trainer


@pytest.fixture(params=["lightning.pytorch", "pytorch_lightning"])
def name(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(request.param.split(".")[0])
    return str(request.param)


def test_a_trial_that_is_paused_each_epoch_ends_with_the_same_weights_bit_for_bit(
    tmp_path: Path, name: str
) -> None:
    through, paused = Halting(), Halting(1, 2, 3)
    one, _ = fit(a_trial(tmp_path / "one", through, until=4), name=name)
    for epoch in range(4):
        trial = a_trial(tmp_path / "two", paused, epoch=epoch, until=epoch + 1)
        two, _ = fit(trial, name=name)
    assert [step.epoch for step in through.steps] == [1, 2, 3, 4]
    assert [step.metrics for step in paused.steps] == [step.metrics for step in through.steps]
    assert {"val_loss", "train_loss"} <= set(through.steps[0].metrics)
    weights = one.state_dict(), two.state_dict()
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_a_schedule_that_waits_for_a_metric_takes_its_step_after_a_pause_too(
    tmp_path: Path,
) -> None:
    def trained(folder: Path, link: Halting, epoch: int, until: int) -> Any:
        package = importlib.import_module("lightning.pytorch")

        class Model(type(a_model(package))):  # type: ignore[misc]
            def configure_optimizers(self) -> Any:
                optimizer = torch.optim.Adam(self.parameters(), lr=0.05)
                schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
                    optimizer, patience=0, threshold=9.0
                )
                watched = {"scheduler": schedule, "monitor": "val_loss"}
                return {"optimizer": optimizer, "lr_scheduler": watched}

        torch.manual_seed(3)
        return fit(a_trial(folder, link, epoch=epoch, until=until), model=Model())

    one, through = trained(tmp_path / "one", Halting(), 0, 4)
    for epoch in range(4):
        two, paused = trained(tmp_path / "two", Halting(1, 2, 3), epoch, epoch + 1)
    rates = [trainer.optimizers[0].param_groups[0]["lr"] for trainer in (through, paused)]
    assert rates[0] == rates[1] < 0.05
    weights = one.state_dict(), two.state_dict()
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


@pytest.mark.parametrize("first", [True, False])
def test_early_stopping_stops_where_it_would_have_without_a_pause(
    tmp_path: Path, first: bool
) -> None:
    callbacks = importlib.import_module("lightning.pytorch.callbacks")
    link = Halting(1)
    for epoch in (0, 1):
        trial = a_trial(tmp_path / "a", link, epoch=epoch)
        stop = callbacks.EarlyStopping("val_loss", patience=1, min_delta=100.0)
        report = LightningReport(trial)
        fit(trial, report, callbacks=[report, stop] if first else [stop, report])
    assert [step.epoch for step in link.steps] == [1, 2]


def test_what_is_logged_when_an_epoch_has_ended_is_reported_with_this_epoch(
    tmp_path: Path,
) -> None:
    package = importlib.import_module("lightning.pytorch")

    class Model(type(a_model(package))):  # type: ignore[misc]
        def on_train_epoch_end(self) -> None:
            self.log("late", self.current_epoch + 1.0)
            self.log("epoch", 9.0)

    fit(a_trial(tmp_path / "a", link := Halting()), model=Model())
    assert [step.metrics["late"] for step in link.steps] == [1, 2, 3, 4]
    assert "epoch" not in link.steps[0].metrics


def test_numbers_of_numpy_and_paths_may_be_hyperparameters(tmp_path: Path) -> None:
    package = importlib.import_module("lightning.pytorch")
    hyper = {"lr": np.float64(0.1), "widths": np.ones(3), "data": tmp_path}
    link = Halting(1)
    for epoch in (0, 1):
        fit(a_trial(tmp_path / "a", link, epoch=epoch), model=a_model(package, **hyper))
    assert [step.epoch for step in link.steps] == [1, 2, 3, 4]


def test_the_trainer_stops_when_the_trial_is_halted(tmp_path: Path) -> None:
    link = Halting(2)
    trial = a_trial(tmp_path / "a", link)
    _, trainer = fit(trial)
    assert trial.halted
    assert trainer.should_stop
    assert [(step.epoch, step.checkpoint) for step in link.steps] == [(1, True), (2, True)]


def test_one_that_must_not_stop_yet_is_ended_all_the_same(tmp_path: Path) -> None:
    link = Halting(1)
    with contextlib.suppress(Halted):
        fit(a_trial(tmp_path / "a", link), min_epochs=4)
    assert [step.epoch for step in link.steps] == [1]


def test_checkpoints_are_saved_only_where_a_decision_may_need_them(tmp_path: Path) -> None:
    link = Halting()
    fit(a_trial(tmp_path / "a", link, until=3))
    assert [step.checkpoint for step in link.steps] == [False, False, True, True]
    assert checkpoint.epochs(tmp_path / "a") == [3, 4]


def test_several_validations_in_an_epoch_are_one_report(tmp_path: Path) -> None:
    link = Halting()
    fit(a_trial(tmp_path / "a", link), val_check_interval=1)
    assert [step.epoch for step in link.steps] == [1, 2, 3, 4]


def test_epochs_without_a_validation_are_not_reported(tmp_path: Path) -> None:
    link = Halting()
    fit(a_trial(tmp_path / "a", link), check_val_every_n_epoch=2)
    assert [step.epoch for step in link.steps] == [2, 4]


def test_a_bar_is_not_drawn_into_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(a_trial(tmp_path / "a", Halting()))
    told = capsys.readouterr()
    assert "Epoch 0" not in told.out + told.err


def test_what_could_not_be_read_back_safely_is_refused_when_it_is_saved(tmp_path: Path) -> None:
    package = importlib.import_module("lightning.pytorch")
    with pytest.raises(TypeError, match=r"Lightning's checkpoint .* holds .*Odd, which"):
        fit(a_trial(tmp_path / "a", Halting()), model=a_model(package, odd=Odd()))


class Odd:
    """What a hyperparameter should not be."""


def test_processes_of_lightnings_own_are_refused(tmp_path: Path) -> None:
    package = importlib.import_module("lightning.pytorch")
    report = LightningReport(a_trial(tmp_path / "a", Halting()))
    trainer = package.Trainer(
        accelerator="cpu", devices=2, logger=False, enable_checkpointing=False
    )
    with pytest.raises(Exception, match="starts 2 processes of its own, which have no trial"):
        report.setup(trainer, None, "fit")


def test_a_trial_in_a_slurm_job_is_not_taken_for_one_of_its_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in {"NTASKS": 2, "NNODES": 2, "PROCID": 1, "NODEID": 1, "LOCALID": 0,
                       "JOB_NAME": "night", "NTASKS_PER_NODE": 1}.items():  # fmt: skip
        monkeypatch.setenv(f"SLURM_{key}", str(value))
    _, trainer = fit(a_trial(tmp_path / "a", link := Halting()))
    assert (trainer.global_rank, trainer.world_size, len(link.steps)) == (0, 1, 4)
