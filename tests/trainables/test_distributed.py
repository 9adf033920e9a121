"""Several processes for one trial: what they report, keep and hear, and how they fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from nightsweep.search.errors import TrainingFunctionError
from nightsweep.search.sweep import Sweep
from nightsweep.trainables import checkpoint, function
from nightsweep.trainables.batches import Data
from nightsweep.trainables.distributed import distributed
from nightsweep.trainables.job import Answer, Job, Message, Step
from nightsweep.trainables.loop import fit
from nightsweep.trainables.ranks import RankError, Ranks
from nightsweep.trainables.ready import chosen
from nightsweep.trainables.trial import Trial

# Gradients are averaged over gloo; dropout draws from each process's own generators.
TRAIN = """
import os
import time

import torch
from torch import nn
from torch.distributed import destroy_process_group, get_rank, init_process_group
from torch.nn.parallel import DistributedDataParallel


def train(config, trial):
    init_process_group("gloo")
    rank = get_rank()
    (trial.folder / f"pid-{rank}").write_text(str(os.getpid()))
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 1))
    model = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    torch.manual_seed(trial.seed + rank)
    trial.keep(model=model, optimizer=optimizer)
    for epoch in trial.epochs():
        if epoch == config.get("stuck"):
            time.sleep(600)
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(10 * epoch + rank))
        loss = (model(x) - x.sum(dim=1, keepdim=True)).square().mean()
        if epoch == config.get("raises") and rank == 1:
            raise ArithmeticError("seven is no number")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if rank == 0 or config.get("all"):
            trial.report(val_loss=loss.item() + rank)
    (trial.folder / f"done-{rank}").write_text(str(trial.epoch))
    destroy_process_group()
"""


class Link:
    """Keeps what is sent; lets trials go on or, after the epochs of `pauses`, halts them."""

    halting = False

    def __init__(self, *pauses: int) -> None:
        self.sent: list[Message] = []
        self._pauses = pauses

    @property
    def steps(self) -> list[Step]:
        return [one for one in self.sent if isinstance(one, Step)]

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def ask(self, step: Step) -> Answer:
        self.sent.append(step)
        return Answer(trial=1, until=None if step.epoch in self._pauses else step.epoch + 1)


def a_trial(folder: Path, link: Link, config: dict[str, Any], epoch: int = 0) -> Trial:
    folder.mkdir(exist_ok=True)
    job = Job(
        trial=1, config=config, epoch=epoch, until=epoch + 1, max_epochs=4,
        metrics=("val_loss",), seed=7, folder=folder, cpus=2,
    )  # fmt: skip
    return Trial(job, link)


def run(
    folder: Path,
    link: Link,
    *,
    code: str = TRAIN,
    epoch: int = 0,
    timeout: float = 60,
    **config: Any,
) -> Trial:
    """Train in two processes, from a file as a user has it."""
    file = folder.parent / f"together_{abs(hash(code))}.py"
    file.write_text(textwrap.dedent(code))
    trial = a_trial(folder, link, config, epoch)
    distributed(function.load(f"{file}:train", folder), config, trial, 2, timeout)
    return trial


def alive(folder: Path) -> list[int]:
    pids = [int(path.read_text()) for path in folder.glob("pid-*")]
    assert len(pids) == 2
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.slow
def test_a_trial_that_is_paused_ends_with_the_same_weights_bit_for_bit(tmp_path: Path) -> None:
    through, paused = Link(), Link(1, 2, 3)
    run(tmp_path / "one", through)
    for epoch in range(4):
        trial = run(tmp_path / "two", paused, epoch=epoch)
        assert trial.epoch == epoch + 1
    assert [step.epoch for step in through.steps] == [1, 2, 3, 4]
    assert [step.metrics for step in paused.steps] == [step.metrics for step in through.steps]
    one, two = (checkpoint.load(tmp_path / name, 4)["kept"] for name in ("one", "two"))
    assert "0.weight" in one["model"]  # as it would be called without several processes
    assert all(torch.equal(one["model"][key], two["model"][key]) for key in one["model"])


@pytest.mark.slow
@pytest.mark.parametrize("everybody", [False, True])
def test_the_decision_reaches_all_processes_at_the_same_epoch(
    tmp_path: Path, everybody: bool
) -> None:
    link = Link(2)
    trial = run(tmp_path / "a", link, all=everybody)
    assert trial.halted
    assert [(tmp_path / "a" / f"done-{rank}").read_text() for rank in (0, 1)] == ["2", "2"]
    assert [step.epoch for step in link.steps] == [1, 2]
    assert [step.checkpoint for step in link.steps] == [True, True]
    assert all(step.metrics["val_loss"] >= 0 for step in link.steps)
    assert checkpoint.epochs(tmp_path / "a") == [2]
    assert alive(tmp_path / "a") == []


@pytest.mark.slow
def test_a_process_that_raises_is_named_with_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(RankError) as error:
        run(tmp_path / "a", Link(), raises=2)
    assert str(error.value) == "rank 1 of 2 raised ArithmeticError: seven is no number"
    assert 'raise ArithmeticError("seven is no number")' in error.value.output
    assert "seven is no number" in (tmp_path / "a" / "log.txt").read_text()
    assert alive(tmp_path / "a") == []


@pytest.mark.slow
def test_a_process_that_is_killed_is_named_and_none_is_left(tmp_path: Path) -> None:
    class Killing(Link):
        def ask(self, step: Step) -> Answer:
            if step.epoch == 2:
                os.kill(int((tmp_path / "a" / "pid-1").read_text()), signal.SIGKILL)
            return super().ask(step)

    with pytest.raises(RankError) as error:
        run(tmp_path / "a", Killing())
    assert str(error.value) == ("rank 1 of 2 was ended by SIGKILL, by hand or for want of memory")
    assert alive(tmp_path / "a") == []


@pytest.mark.slow
def test_a_process_that_does_not_come_is_named(tmp_path: Path) -> None:
    stuck = """if rank == 1:
            time.sleep(600)
        if rank == 0 or config"""
    code = TRAIN.replace("if rank == 0 or config", stuck)
    with pytest.raises(RankError, match="rank 1 of 2 does not come to the epoch's end"):
        run(tmp_path / "a", Link(), code=code, timeout=2)
    assert alive(tmp_path / "a") == []


@pytest.mark.slow
def test_the_processes_die_with_the_worker(tmp_path: Path) -> None:
    (tmp_path / "ddp.py").write_text(TRAIN)
    worker = f"""
    import sys; sys.path[:0] = {sys.path!r}
    from pathlib import Path
    from nightsweep.trainables.distributed import distributed
    from nightsweep.trainables.job import Job
    from nightsweep.trainables.trial import Trial
    from ddp import train
    from types import SimpleNamespace
    job = Job(trial=1, config={{"stuck": 1}}, epoch=0, until=1, max_epochs=4,
              metrics=("val_loss",), seed=7, folder=Path({str(tmp_path)!r}), cpus=2)
    distributed(train, job.config, Trial(job, SimpleNamespace(halting=False, send=print)), 2)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(worker)], cwd=tmp_path)
    try:
        while len(list(tmp_path.glob("pid-*"))) < 2:
            assert process.poll() is None
            time.sleep(0.05)
        assert len(alive(tmp_path)) == 2
    finally:
        process.kill()
        process.wait()
    deadline = time.monotonic() + 20
    while alive(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(tmp_path) == []


def test_a_number_of_processes_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    trial = a_trial(tmp_path / "a", Link(), {})
    with pytest.raises(ValueError, match="a whole number of at least 1, not -1"):
        distributed(print, {}, trial, -1)


def test_the_loop_is_for_one_process(tmp_path: Path) -> None:
    rows = torch.zeros(4, 2), torch.zeros(4, 1)
    job = Job(
        trial=1, config={}, epoch=0, until=1, max_epochs=4, metrics=("val_loss",), seed=7,
        folder=tmp_path, processes=2,
    )  # fmt: skip
    with pytest.raises(TrainingFunctionError, match="fit trains in one process, and this trial"):
        fit(torch.nn.Linear(2, 1), Data(train=rows, val=rows), {}, Trial(job, Link()))


def test_they_meet_where_only_this_machine_reaches(tmp_path: Path) -> None:
    before = listening()
    with Ranks([], print, 1.0):
        opened = listening() - before
    assert [address.partition(":")[0] for address in opened] == ["0100007F"]
    assert listening() - before == set()


def listening() -> set[str]:
    """The addresses that this process listens at, as the kernel writes them: 0100007F:8993."""
    handles = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))
    own = {os.readlink(path) for path in handles if os.path.lexists(path)}
    lines = [
        line.split() for name in ("tcp", "tcp6")
        for line in Path(f"/proc/self/net/{name}").read_text().splitlines()[1:]
    ]  # fmt: skip
    return {line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in own}


def test_no_processes_at_all_cannot_be(tmp_path: Path) -> None:
    trial = a_trial(tmp_path / "a", Link(), {})
    with pytest.raises(ValueError, match="a whole number of at least 1, not 0"):
        distributed(print, {}, trial, 0)


@pytest.mark.slow
def test_one_that_keeps_nothing_where_the_first_does_is_named(tmp_path: Path) -> None:
    code = TRAIN.replace("trial.keep", "rank == 0 and trial.keep")
    with pytest.raises(RankError, match=r"rank 1 of 2 keeps nothing, and rank 0 does; call trial"):
        run(tmp_path / "a", Link(), code=code)
    assert checkpoint.epochs(tmp_path / "a") == []
    assert alive(tmp_path / "a") == []


@pytest.mark.slow
def test_processes_do_not_start_processes(tmp_path: Path) -> None:
    code = """
    import nightsweep

    def train(config, trial):
        nightsweep.distributed(train, config, trial, 2)
    """
    with pytest.raises(RankError, match="this is one of 2 processes of its trial already"):
        run(tmp_path / "a", Link(), code=code)


@pytest.mark.slow
def test_memory_that_runs_out_in_one_of_them_is_known_as_such(tmp_path: Path) -> None:
    code = """
    import os

    def train(config, trial):
        os.environ["MY_API_KEY"] = "tiger-tiger-burning"
        if os.environ["RANK"] == "1":
            raise MemoryError(os.environ["MY_API_KEY"])
        for _ in trial.epochs():
            trial.report(val_loss=1.0)
    """
    with pytest.raises(RankError) as error:
        run(tmp_path / "a", Link(), code=code)
    assert str(error.value) == "rank 1 of 2 ran out of memory"
    assert error.value.short
    assert "MemoryError" in error.value.output
    assert "tiger" not in error.value.output


@pytest.mark.parametrize("train", ["config", "trial"])
def test_functions_of_other_tools_run_in_one_process(tmp_path: Path, train: str) -> None:
    (tmp_path / f"one_{train}.py").write_text(f"def train({train}): ...")
    sweep = Sweep(
        train=f"one_{train}.py:train", metric="val_loss", parameters={"lr": 0.1},
        resources={"cpus": 2, "processes": 2},
    )  # fmt: skip
    with pytest.raises(TrainingFunctionError, match="is for functions train"):
        chosen(sweep, tmp_path)
