"""Lightning and Hugging Face in several processes of one trial: no line of theirs is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nightsweep.trainables import checkpoint, function
from nightsweep.trainables.distributed import distributed
from nightsweep.trainables.job import Answer, Job, Message, Step
from nightsweep.trainables.trial import Trial

pytestmark = [pytest.mark.examples, pytest.mark.slow]

LIGHTNING = """
import torch
from lightning.pytorch import LightningModule, Trainer
from torch.utils.data import DataLoader, TensorDataset

from nightsweep import LightningReport


class Line(LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 1), torch.nn.Dropout(0.3))

    def training_step(self, batch, index):
        return (self.layers(batch[0]) - 1).square().mean()

    def validation_step(self, batch, index):
        loss = (self.layers(batch[0]) - 1).square().mean()
        self.log("loss", loss, sync_dist=True)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.05)


def train(config, trial):
    report = LightningReport(trial)
    trainer = Trainer(
        max_epochs=trial.max_epochs, accelerator="cpu", devices=2, strategy="ddp",
        logger=False, enable_checkpointing=False, callbacks=[report],
    )
    rows = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    loaders = [DataLoader(TensorDataset(rows), 8, shuffle=shuffle) for shuffle in (True, False)]
    trainer.fit(Line(), *loaders, ckpt_path=report.checkpoint)
    (trial.folder / f"ended-{trainer.global_rank}").write_text(str(trainer.current_epoch))
"""

HUGGING_FACE = """
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

from nightsweep import HuggingFaceReport


def train(config, trial):
    small = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    model = BertForSequenceClassification(BertConfig(vocab_size=9, **small))
    words = torch.randint(9, (64, 6), generator=torch.Generator().manual_seed(0))
    rows = [{"input_ids": row, "labels": int(row[0] > 4)} for row in words]
    arguments = TrainingArguments(
        trial.folder, num_train_epochs=trial.max_epochs, eval_strategy="epoch",
        save_strategy="no", report_to="none", disable_tqdm=True, use_cpu=True,
        ddp_backend="gloo",
    )
    trainer = Trainer(model, arguments, train_dataset=rows, eval_dataset=rows)
    trainer.add_callback(report := HuggingFaceReport(trial))
    trainer.train(resume_from_checkpoint=report.checkpoint)
    assert trainer.args.world_size == 2
    (trial.folder / f"ended-{trainer.args.process_index}").write_text(f"{trainer.state.epoch:g}")
"""


class Link:
    """Keeps what is sent; halts trials after the epochs of `pauses`."""

    halting = False

    def __init__(self, *pauses: int) -> None:
        self.steps: list[Step] = []
        self._pauses = pauses

    def send(self, message: Message) -> None:
        if isinstance(message, Step):
            self.steps.append(message)

    def ask(self, step: Step) -> Answer:
        self.steps.append(step)
        return Answer(trial=1, until=None if step.epoch in self._pauses else 9)


def run(folder: Path, code: str, metric: str, link: Link, epoch: int = 0) -> list[dict[str, Any]]:
    """The metrics that were reported."""
    folder.mkdir(exist_ok=True)
    file = folder.parent / f"together_{metric}.py"
    file.write_text(code)
    job = Job(
        trial=1, config={}, epoch=epoch, until=epoch + 2, max_epochs=3, metrics=(metric,),
        seed=7, folder=folder, cpus=2,
    )  # fmt: skip
    distributed(function.load(f"{file}:train", folder), {}, Trial(job, link), 2)
    return [{metric: step.metrics[metric]} for step in link.steps]


@pytest.mark.parametrize(
    ("package", "code", "metric"),
    [("lightning", LIGHTNING, "loss"), ("transformers", HUGGING_FACE, "eval_loss")],
)
def test_two_processes_stop_go_on_and_end_together(
    tmp_path: Path, package: str, code: str, metric: str
) -> None:
    pytest.importorskip(package)
    through, paused = Link(), Link(2)
    expected = run(tmp_path / "one", code, metric, through)
    run(tmp_path / "two", code, metric, paused)
    ended = [(tmp_path / "two" / f"ended-{rank}").read_text() for rank in (0, 1)]
    assert ended == ["2", "2"]
    assert checkpoint.epochs(tmp_path / "two") == [2]
    assert run(tmp_path / "two", code, metric, paused, epoch=2) == expected
    assert [step.epoch for step in paused.steps] == [1, 2, 3]
