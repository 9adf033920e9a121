"""transformers' Trainer trains a trial through one callback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset

from nightsweep.search.errors import TrainingFunctionError
from nightsweep.trainables import checkpoint
from nightsweep.trainables.huggingface import HuggingFaceReport
from nightsweep.trainables.job import Job
from nightsweep.trainables.metrics import ReportError
from nightsweep.trainables.trial import Trial

from ..trainables.links import Halting

pytestmark = [
    pytest.mark.examples,
    pytest.mark.filterwarnings("default"),
]
transformers = pytest.importorskip("transformers")


def a_trial(
    folder: Path, link: Halting, *, epoch: int = 0, until: int = 1, metric: str = "eval_loss"
) -> Trial:
    folder.mkdir(exist_ok=True)
    job = Job(
        trial=1, config={}, epoch=epoch, until=until, max_epochs=4, metrics=(metric,),
        seed=7, folder=folder,
    )  # fmt: skip
    return Trial(job, link)


class Texts(Dataset[Any]):
    """Rows of twelve words; the class is whether the first of them is a large one."""

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.words = torch.randint(0, 50, (48, 12), generator=generator)

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {"input_ids": self.words[row], "labels": int(self.words[row, 0] > 25)}


def train(trial: Trial, **options: Any) -> Any:
    torch.manual_seed(3)
    size = {"hidden_size": 16, "intermediate_size": 16, "max_position_embeddings": 16}
    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(vocab_size=50, num_hidden_layers=1, num_attention_heads=2, **size)
    )
    evaluated = options.pop("evaluated", Texts(1))
    settings = {"eval_strategy": "epoch", "save_strategy": "no", "logging_strategy": "epoch"}
    arguments = transformers.TrainingArguments(
        output_dir=str(trial.folder), num_train_epochs=trial.max_epochs, seed=trial.seed,
        per_device_train_batch_size=16, learning_rate=0.01, use_cpu=True, report_to="none",
        disable_tqdm=True, **(settings | options),
    )  # fmt: skip
    report = HuggingFaceReport(trial)
    trainer = transformers.Trainer(
        model, arguments, train_dataset=Texts(0), eval_dataset=evaluated, callbacks=[report]
    )
    trainer.train(resume_from_checkpoint=report.checkpoint)
    return trainer


def test_a_trial_that_is_paused_each_epoch_ends_with_the_same_weights_bit_for_bit(
    tmp_path: Path,
) -> None:
    through, paused = Halting(), Halting(1, 2, 3)
    one = train(a_trial(tmp_path / "one", through, until=4)).model.state_dict()
    for epoch in range(4):
        trial = a_trial(tmp_path / "two", paused, epoch=epoch, until=epoch + 1)
        two = train(trial).model.state_dict()
    assert [step.epoch for step in paused.steps] == [1, 2, 3, 4]
    losses = [[step.metrics["eval_loss"] for step in link.steps] for link in (through, paused)]
    assert losses[0] == losses[1]
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert "train_loss" in through.steps[0].metrics


def test_the_trainer_stops_when_the_trial_is_halted_and_leaves_no_checkpoint_but_ours(
    tmp_path: Path,
) -> None:
    link = Halting(2)
    trial = a_trial(tmp_path / "a", link)
    trainer = train(trial)
    assert trial.halted
    assert trainer.state.epoch == 2
    assert [(step.epoch, step.checkpoint) for step in link.steps] == [(1, True), (2, True)]
    assert checkpoint.epochs(trial.folder) == [2]
    assert checkpoint.damage(trial.folder, 2) == ""
    assert list(trial.folder.glob("checkpoint-*")) == []


def test_checkpoints_are_saved_only_where_a_decision_may_need_them(tmp_path: Path) -> None:
    link = Halting()
    train(a_trial(tmp_path / "a", link, until=3))
    assert [step.checkpoint for step in link.steps] == [False, False, True, True]


def test_what_the_user_saves_is_left_where_it_is(tmp_path: Path) -> None:
    train(a_trial(tmp_path / "a", Halting(2)), save_strategy="epoch")
    assert len(list((tmp_path / "a").glob("checkpoint-*"))) == 2


def test_each_evaluation_is_an_epoch_of_the_sweep(tmp_path: Path) -> None:
    link = Halting()
    train(a_trial(tmp_path / "a", link), eval_strategy="steps", eval_steps=2)
    assert [step.epoch for step in link.steps] == [1, 2, 3, 4]


@pytest.mark.parametrize("metric", ["eval_near_loss", "eval_far_loss"])
@pytest.mark.parametrize("until", [1, 9])
def test_evaluations_of_several_sets_are_one_report(
    tmp_path: Path, metric: str, until: int
) -> None:
    link = Halting()
    both = {"near": Texts(1), "far": Texts(2)}
    train(a_trial(tmp_path / "a", link, until=until, metric=metric), evaluated=both)
    assert [step.epoch for step in link.steps] == [1, 2, 3, 4]
    assert {"eval_near_loss", "eval_far_loss"} <= set(link.steps[0].metrics)


def test_a_trial_that_is_judged_by_its_training_loss_is_saved_too(tmp_path: Path) -> None:
    link = Halting()
    train(a_trial(tmp_path / "a", link, metric="train_loss"))
    assert [step.checkpoint for step in link.steps] == [True] * 4


def test_an_evaluation_before_the_first_step_is_no_epoch(tmp_path: Path) -> None:
    paused = Halting(1)
    train(a_trial(tmp_path / "a", paused), eval_on_start=True)
    train(a_trial(tmp_path / "a", paused, epoch=1), eval_on_start=True)
    assert [step.epoch for step in paused.steps] == [1, 2, 3, 4]


def test_a_trainer_that_takes_back_what_is_to_be_saved_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingFunctionError, match="save_strategy='best' takes back"):
        train(
            a_trial(tmp_path / "a", Halting()),
            save_strategy="best", metric_for_best_model="eval_loss",
        )  # fmt: skip


def test_a_checkpoint_that_is_saved_elsewhere_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformers.Trainer, "_save_checkpoint", lambda self, model, trial: None)
    with pytest.raises(ReportError, match=r"the Trainer has saved nothing as .*checkpoint-3"):
        train(a_trial(tmp_path / "a", Halting()))


def test_a_trainer_that_never_evaluates_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="the Trainer has evaluated nothing; write Training"):
        train(a_trial(tmp_path / "a", Halting()), eval_strategy="no")


def test_no_bar_is_drawn_into_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(a_trial(tmp_path / "a", Halting()))
    assert "Writing model" not in capsys.readouterr().err


def test_a_metric_that_is_never_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="reported no val_loss, the metric of this sweep"):
        train(a_trial(tmp_path / "a", Halting(), metric="val_loss"))


def test_what_is_evaluated_after_the_training_is_no_epoch(tmp_path: Path) -> None:
    link = Halting()
    train(a_trial(tmp_path / "a", link)).evaluate()
    assert len(link.steps) == 4
