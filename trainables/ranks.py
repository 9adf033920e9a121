"""The processes of one trial, from the side of its worker: started, heard, told, and ended.

When one of them fails, the others are stuck or fail too: the trial fails by the one that was
first, and no process is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .failure import ProgramError
from .host import LOG
from .job import End, Ended, Message
from .log import itself
from .patience import Unsaved
from .rank import Asks, Met, Save, Saved, Start

BLAME = 1.0  # seconds in which a process that died is heard of, which makes others fail
HERE = "127.0.0.1"
LEAVE = 10.0  # seconds that a process has to end when its function has returned


class RankError(ProgramError):
    """One of the processes of a trial has failed; says which, and how."""


class Ranks:
    """The processes of a trial. `news`: where else they have something to say."""

    def __init__(
        self, starts: Iterable[Start], news: Callable[[Message], None], timeout: float
    ) -> None:
        self._starts = list(starts)
        self._news = news
        self._timeout = timeout
        self.count = len(self._starts)
        self._ends: dict[int, Connection] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._handles: dict[int, int] = {}  # by which the kernel tells that they have ended
        self._training: dict[int, int] = {}  # those of them that have not returned
        self._store: Any = None

    def __enter__(self) -> Self:
        from torch.distributed import TCPStore  # type: ignore[attr-defined]

        # Where they find one another. Ours is open before they look for it, as torchrun's is: a
        # port that is free now and taken in a second would cost a trial. The socket is ours, too,
        # since torch's own would listen to the whole network.
        ear = socket.create_server((HERE, 0))
        port = ear.getsockname()[1]
        self._store = TCPStore(
            HERE, port, is_master=True, wait_for_workers=False, master_listen_fd=ear.detach()
        )
        try:
            for start in self._starts:
                self._start(start, self._store.port)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            until = time.monotonic() + LEAVE
            for handle in self._handles.values():
                wait([handle], max(until - time.monotonic(), 0))
        self._end()

    def hear(self) -> dict[int, Any]:
        """What each says that still trains, when all have spoken; nothing if all have returned.

        Errors: RankError, Unsaved.
        """
        heard: dict[int, Any] = {}
        until: float | None = None
        while missing := [rank for rank in self._training if rank not in heard]:
            left = None if until is None else max(until - time.monotonic(), 0)
            ready = self._ready(missing, left)
            if not ready:
                raise RankError(self._late(missing, heard))
            for rank in ready:
                said = self._receive(rank)
                if isinstance(said, Ended):
                    self._ended(rank, said)
                elif isinstance(said, Met | Asks | Saved):
                    heard[rank] = said
                else:
                    self._news(said)
            if heard and until is None:
                until = time.monotonic() + self._timeout
        return heard

    def tell(self, order: Any, ranks: Iterable[int]) -> None:
        """Tell some of them; who has died meanwhile is found out when it is to answer."""
        for rank in ranks:
            with contextlib.suppress(OSError):
                self._ends[rank].send(order)

    def save(self, folder: Path, ranks: Iterable[int]) -> None:
        """Have them write their parts of a checkpoint. Errors: OSError, RankError."""
        self.tell(Save(folder), ranks)
        for said in self.hear().values():
            if isinstance(said, Saved) and said.error is not None:
                raise said.error

    def agree(self, epochs: Mapping[int, int]) -> None:
        """Errors: RankError if reports are not of one epoch."""
        for rank, epoch in epochs.items():
            if epoch != epochs.get(0, epoch):
                raise RankError(
                    f"rank {rank} of {self.count} reported epoch {epoch} and rank 0 epoch "
                    f"{epochs[0]}; report once an epoch, in all processes or in rank 0 alone"
                )

    def _start(self, start: Start, port: int) -> None:
        ours, theirs = Pipe()
        with theirs, open(start.job.folder / LOG, "ab", opener=itself) as log:
            handle = theirs.fileno()
            life = f"from nightsweep.trainables.rank import main; main({handle}, {os.getpid()})"
            self._processes[start.rank] = process = subprocess.Popen(
                [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {life}",
                 f"rank {start.rank} of {self.count}, trial {start.job.trial}"],
                env=os.environ | environment(start.rank, self.count, port),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[handle],
                process_group=0,
            )  # fmt: skip
        self._ends[start.rank] = ours
        self._handles[start.rank] = self._training[start.rank] = os.pidfd_open(process.pid)
        self.tell(start, [start.rank])

    def _ready(self, ranks: Iterable[int], seconds: float | None) -> list[int]:
        """Who of these has said something, or who of all has died."""
        handles: dict[Any, int] = {self._ends[rank]: rank for rank in ranks}
        handles |= {pid: rank for rank, pid in self._training.items()}
        return sorted({handles[found] for found in wait(list(handles), seconds)})

    def _receive(self, rank: int) -> Any:
        """The next that it says; its end, in words, if it says nothing more."""
        try:
            if self._ends[rank].poll():
                return self._ends[rank].recv()
        except (EOFError, OSError):
            pass
        death = _death(self._processes[rank].pid)
        return Ended(trial=self._starts[rank].job.trial, end=End.LOST, reason=death)

    def _ended(self, rank: int, ended: Ended) -> None:
        """One has returned, or failed: then all have. Errors: RankError, Unsaved."""
        del self._training[rank]
        if ended.end in (End.RETURNED, End.HALTED):
            return
        rank, ended = self._blamed({rank: ended})
        if ended.end is End.UNSAVED:
            raise Unsaved(ended.reason, lasting=False)
        raise RankError(
            f"rank {rank} of {self.count} {ended.reason}",
            ended.traceback,
            short=ended.end is End.MEMORY,
        )

    def _blamed(self, ends: dict[int, Ended]) -> tuple[int, Ended]:
        """Whose end it was that made others fail: who died; else who was the first."""
        until = time.monotonic() + BLAME
        while self._training and (left := until - time.monotonic()) > 0:
            for rank in self._ready(self._training, left):
                if isinstance(said := self._receive(rank), Ended):
                    del self._training[rank]
                    ends[rank] = said
        dead = (rank for rank, ended in ends.items() if ended.end is End.LOST)
        rank = next(dead, next(iter(ends)))
        return rank, ends[rank]

    def _late(self, missing: list[int], heard: Iterable[int]) -> str:
        where = f"where rank {min(heard)} has been for {self._timeout:g} s"
        return (
            f"rank {missing[0]} of {self.count} does not come to the epoch's end, {where}; does "
            "each process loop over trial.epochs(), or report each epoch?"
        )

    def _end(self) -> None:
        """Leave nothing behind: not the processes, nor what they have started."""
        for process in self._processes.values():  # whose numbers are theirs until they are waited
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for end in self._ends.values():
            end.close()
        for handle in self._handles.values():
            os.close(handle)
        self._store = None


def environment(rank: int, count: int, port: int) -> dict[str, str]:
    """What torchrun would set, on one host."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "GROUP_RANK": "0",
        "MASTER_ADDR": HERE,
        "MASTER_PORT": str(port),
        # The store is there already; and Lightning takes them for torchrun's, not for Slurm's.
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_RESTART_COUNT": "0",
        "TORCHELASTIC_RUN_ID": "nightsweep",
        "GLOO_SOCKET_IFNAME": "lo",
    }


def _death(pid: int) -> str:
    """How a process of ours has ended, which is not forgotten yet."""
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None  # that is for WNOHANG
    if ended.si_code == os.CLD_EXITED:
        return f"ended with exit code {ended.si_status}, before its function had returned"
    name = signal.Signals(ended.si_status).name
    hint = ", by hand or for want of memory" if name == "SIGKILL" else ""
    return f"was ended by {name}{hint}"
