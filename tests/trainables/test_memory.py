import errno
import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nightsweep.trainables import memory
from nightsweep.trainables.host import Host
from nightsweep.trainables.job import End, Ended, Job
from nightsweep.trainables.trial import Trial

# As CUDA has them; no GPU is needed to raise them.
CUDA = (
    "CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total capacity of 79.11 GiB of "
    "which 700.12 MiB is free. Process 4242 has 78.40 GiB memory in use."
)
CUBLAS = "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
CUDNN = "cuDNN error: CUDNN_STATUS_ALLOC_FAILED"
CONTEXT = "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"
WINDOWS = "DefaultCPUAllocator: not enough memory: you tried to allocate 4000000 bytes."
XLA = "RESOURCE_EXHAUSTED: Out of memory allocating 123456 bytes."
TOO_MUCH = 10**15


def raised(call: Any) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        call()
    return caught.value


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (torch.OutOfMemoryError(CUDA), "ran out of memory, asking for 1.50 GiB"),
        (torch.cuda.OutOfMemoryError(CUDA), "ran out of memory, asking for 1.50 GiB"),
        (torch.AcceleratorError(CONTEXT), "ran out of memory"),
        (RuntimeError(CUDA), "ran out of memory, asking for 1.50 GiB"),
        (RuntimeError(CUBLAS), "ran out of memory"),
        (RuntimeError(CUDNN), "ran out of memory"),
        (RuntimeError(WINDOWS), "ran out of memory, asking for 4 MB"),
        (RuntimeError(XLA), "ran out of memory"),
        (MemoryError(), "ran out of memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "ran out of memory"),
    ],
    ids=lambda value: f"{value!r}"[:40],
)
def test_errors_that_mean_too_little_memory_are_known(error: BaseException, said: str) -> None:
    assert memory.shortage(error) is error
    assert memory.words(error) == said


def test_what_torch_and_numpy_raise_on_the_cpu_is_known() -> None:
    error = raised(lambda: torch.empty(TOO_MUCH))
    assert memory.shortage(error) is error
    assert memory.words(error) == "ran out of memory, asking for 4e+03 TB"
    error = raised(lambda: np.empty(TOO_MUCH))
    assert memory.shortage(error) is error
    assert memory.words(error) == "ran out of memory, asking for 7.11 PiB"


class WordlessError(RuntimeError):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        RuntimeError("CUDA error: device-side assert triggered"),
        ValueError("lr is out of range"),
        FileNotFoundError("out of memory.csv"),
        OSError(errno.ENOSPC, "No space left on device"),
        KeyboardInterrupt(),
        WordlessError(),
    ],
    ids=repr,
)
def test_other_errors_are_not(error: BaseException) -> None:
    assert memory.shortage(error) is None


def test_an_error_that_another_came_of_counts() -> None:
    def handled(*, hide: bool) -> None:
        try:
            raise torch.OutOfMemoryError(CUDA)
        except RuntimeError as error:
            if hide:
                raise ValueError("batch_size is too large") from None
            raise ValueError("the step failed") from error

    def in_passing() -> None:
        try:
            raise MemoryError
        finally:
            raise KeyError("loss")

    def among_others() -> None:
        raise ExceptionGroup("two went wrong", [ValueError(), MemoryError()])

    assert isinstance(memory.shortage(raised(lambda: handled(hide=False))), torch.OutOfMemoryError)
    assert isinstance(memory.shortage(raised(in_passing)), MemoryError)
    assert isinstance(memory.shortage(raised(among_others)), MemoryError)
    assert memory.shortage(raised(lambda: handled(hide=True))) is None


def test_errors_that_came_of_each_other_come_to_an_end() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert memory.shortage(first) is None


def ending(train: Any, folder: Path) -> Ended:
    """How a training function ends, and nothing of it runs any more."""
    values: dict[str, Any] = {"config": {}, "epoch": 0, "metrics": ("loss",), "seed": 1}
    host = Host(train)
    host.start(Job(trial=1, until=3, max_epochs=3, folder=folder, **values))
    for _ in range(20):
        for message in host.poll(0.5):
            if isinstance(message, Ended):
                return message
    raise AssertionError("it does not end")


def step(batch: torch.Tensor) -> None:
    raise torch.OutOfMemoryError(CUDA)


def test_a_trial_that_runs_out_of_memory_ends_so_and_says_where(tmp_path: Path) -> None:
    def train(trial: Trial) -> None:
        try:
            step(torch.zeros(3))
        except RuntimeError as error:
            raise ValueError("the step failed") from error

    ended = ending(train, tmp_path)
    assert (ended.end, ended.reason) == (End.MEMORY, "ran out of memory, asking for 1.50 GiB")
    assert f"line {step.__code__.co_firstlineno + 1}, in step" in ended.traceback
    assert ended.traceback.endswith("GiB memory in use.")
    assert (tmp_path / "log.txt").read_text() == f"{ended.traceback}\n"


def test_nothing_of_it_is_left_for_the_next_trial_in_this_process(tmp_path: Path) -> None:
    """Even if the error is kept, by the function's own frame or by somebody else."""
    left: list[weakref.ref[Any]] = []
    kept: list[BaseException] = []

    def train(trial: Trial) -> None:
        model = torch.nn.Linear(4, 4)
        trial.keep(model=model)
        around = [model]
        around.append(around)  # type: ignore[arg-type]
        left.append(weakref.ref(model))
        for _ in trial.epochs():
            try:
                step(model(torch.zeros(2, 4)))
            except RuntimeError as error:
                again = error
                kept.append(again)
                raise

    gc.disable()
    try:
        assert ending(train, tmp_path).end is End.MEMORY
        assert [one() for one in left] == [None]
    finally:
        gc.enable()
    assert len(kept) == 1


@pytest.mark.parametrize(("started", "short", "emptied"), [
    (True, True, 1), (True, False, 1), (False, True, 0), (False, False, 0),
])  # fmt: skip
def test_a_gpu_s_cache_is_given_back_after_every_trial(
    monkeypatch: pytest.MonkeyPatch, *, started: bool, short: bool, emptied: int
) -> None:
    calls: list[None] = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: started)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append(None))
    memory.release(short=short)
    assert len(calls) == emptied


def test_a_broken_gpu_does_not_end_the_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", broken)
    memory.release(short=True)
