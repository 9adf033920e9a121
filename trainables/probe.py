"""What an Optuna objective would ask for, found by running its beginning a few times.

Each time it is answered otherwise, so that every value of a choice, and the largest of a whole
number, is seen once: what it asks for then tells the parameters, and on which choice each of them
hangs. It runs in a process of its own, and only until it reports for the first time, or returns.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from typing import Any, Literal

from ..search.errors import NightsweepError, TrainingFunctionError
from ..search.space import Int, Parameter, levels, size
from .asking import Asking
from .orphan import die_with

LOADING = 300.0  # seconds until the objective's libraries are loaded
LONGEST = 60.0  # seconds for all runs
QUIET = 10.0  # seconds without a question, after one: it trains
MOST = 40  # runs
FEW = 8  # values that are all tried
CHILD = f"from {__name__} import serve; serve({{number}}, {{parent}})"

# quiet: it has asked, and then nothing for a while; cut: time was up.
End = Literal["reported", "returned", "raised", "quiet", "cut"]


@dataclass(slots=True)
class Seen:
    """One run: what was asked, in order, what was answered, and how it ended."""

    questions: dict[str, Parameter] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    end: End = "cut"
    error: str = ""


Run = Callable[[dict[str, Any]], Seen]


def probed(pickled: bytes) -> list[Seen]:
    """The runs of an objective, which is given as any pickle of it that a new process can read.

    Errors: TrainingFunctionError where every run has failed, or has asked for nothing.
    """
    with Child(pickled) as child:
        return looked(list(explored(child.run)))


def looked(runs: list[Seen]) -> list[Seen]:
    """The same runs, if they tell something. Errors: TrainingFunctionError."""
    if all(run.end == "raised" for run in runs):
        raise TrainingFunctionError(f"the objective {runs[0].error}")
    if not any(run.questions for run in runs):
        waited = f" in {LONGEST:.0f} s" if runs[0].end == "cut" else ""
        raise TrainingFunctionError(
            f"the objective has asked for no parameter{waited}, so there is nothing to search; it "
            "must call trial.suggest_float or the like, before it trains"
        )
    return runs


def explored(run: Run) -> Iterator[Seen]:
    """Runs with ever other answers, until each has been given that may matter, or time is up."""
    waiting: deque[dict[str, Any]] = deque([{}])
    planned: set[tuple[str, str]] = set()
    for _ in range(MOST):
        if not waiting:
            return
        try:
            seen = run(waiting.popleft())
        except TimeoutError:
            return
        yield seen
        before: dict[str, Any] = {}
        for name, parameter in seen.questions.items():
            planned.add((name, repr(seen.answers[name])))
            for value in _worth(parameter):
                if (name, repr(value)) not in planned:
                    planned.add((name, repr(value)))
                    waiting.append({**before, name: value})
            before[name] = seen.answers[name]


def _worth(parameter: Parameter) -> list[Any]:
    """Values on which later questions may depend."""
    if (size(parameter) or FEW + 1) <= FEW:
        return levels(parameter)
    return [parameter.max] if isinstance(parameter, Int) else []


class Child:
    """The process in which the objective runs, again and again; ended where it does not stop."""

    def __init__(self, pickled: bytes) -> None:
        self._pickled = pickled
        self._deadline = 0.0  # from when it is loaded for the first time
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()

    def run(self, answers: dict[str, Any]) -> Seen:
        """One run. Errors: TimeoutError if none can be begun any more; TrainingFunctionError."""
        line = self._line or self._begin()
        seen = Seen()
        try:
            line.send(answers)
            while line.poll(self._patience(seen)):
                match line.recv():
                    case ("asked", name, parameter, answer):
                        seen.questions[name], seen.answers[name] = parameter, answer
                    case ("ended", end, error):
                        seen.end, seen.error = end, error
                        return seen
        except (EOFError, OSError):
            seen.end, seen.error = "raised", f"ended its process with {self._code()}"
        else:
            if seen.questions and time.monotonic() < self._deadline:
                seen.end = "quiet"
        self._end()
        return seen

    def _patience(self, seen: Seen) -> float:
        left = max(self._deadline - time.monotonic(), 0.0)
        return min(QUIET, left) if seen.questions else left

    def _begin(self) -> Connection:
        if self._deadline and time.monotonic() > self._deadline:
            raise TimeoutError
        line, theirs = Pipe()
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", CHILD.format(number=number, parent=os.getpid())],
                pass_fds=[number],
                env=os.environ
                | {"PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # what it starts ends with it
            )
        self._line = line
        try:
            line.send_bytes(self._pickled)
            why = line.recv() if line.poll(LOADING) else f"took more than {LOADING:.0f} s"
        except (EOFError, OSError):
            why = f"ended it with {self._code()}"
        if why:
            raise TrainingFunctionError(f"the objective, loaded in another process, {why}")
        self._deadline = self._deadline or time.monotonic() + LONGEST
        return line

    def _code(self) -> str:
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        return f"exit code {self._process.returncode}"

    def _end(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._line is not None:
            self._line.close()
        self._process = self._line = None


class _Enough(BaseException):
    """The objective has begun to train."""


class Recording(Asking):
    """Answers as it was told, or else from the middle of floats and the beginning of all else."""

    def __init__(self, answers: dict[str, Any], tell: Callable[[Any], None]) -> None:
        super().__init__(0)
        self._answers = answers
        self._tell = tell
        self.epoch = 0

    def answer(self, name: str, parameter: Parameter) -> Any:
        value = self._answers.get(name)
        if name not in self._answers or not parameter.contains(value):
            value = parameter.at(0.0 if size(parameter) is not None else 0.5)
        self._tell(("asked", name, parameter, value))
        return value

    def report(self, value: float, step: int) -> None:
        raise _Enough

    def should_prune(self) -> bool:
        raise _Enough

    def keep(self, **things: Any) -> None:
        """There is nothing to restore."""

    def epochs(self, last: int | None = None) -> Iterator[int]:
        raise _Enough


def ended(objective: Callable[[Any], Any], trial: Recording) -> tuple[str, End, str]:
    """Run an objective until it trains: how it ended."""
    from optuna.exceptions import TrialPruned

    try:
        objective(trial)
    except _Enough:
        return "ended", "reported", ""
    except TrialPruned:
        return "ended", "returned", ""
    except NightsweepError as error:
        return "ended", "raised", f"cannot be searched: {error}"
    except BaseException as error:
        return "ended", "raised", f"raised {type(error).__name__}: {error}"
    return "ended", "returned", ""


def serve(number: int, parent: int) -> None:
    """In the child: run the objective, for each set of answers that comes through this file."""
    die_with(parent)
    line = Connection(number)
    with contextlib.suppress(EOFError, BrokenPipeError):
        try:
            objective = pickle.loads(line.recv_bytes())
        except Exception as error:
            line.send(f"raised {type(error).__name__}: {error}")
            return
        line.send("")
        while True:
            trial = Recording(line.recv(), line.send)
            line.send(ended(objective, trial))
