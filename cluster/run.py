"""The life of a sweep: from its file to the last table. `start` begins one, `resume` goes on."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..search.budget import too_late
from ..search.changing import allowed, changed
from ..search.deadline import due
from ..search.earlier import lessons, told, unlearned
from ..search.errors import SweepError, TrainingFunctionError
from ..search.events import FORMAT, Closed, Due, Learned, Opened
from ..search.ledger import Ledger
from ..search.links import refuse_links
from ..search.lock import Lock
from ..search.meter import Meter
from ..search.patience import unwritable
from ..search.record import Status
from ..search.results import Results
from ..search.runfolder import RunFolder, write_whole
from ..search.storage import probe
from ..search.study import Study
from ..search.sweep import Sweep
from ..trainables.function import TrainingFunction, check, reference_to
from ..trainables.ready import Function, chosen
from . import provenance
from .changes import changes_on_disk
from .display import Display, Silent
from .hold import BY_HAND
from .joining.address import Address
from .joining.project import check_data
from .keeper import Keeper
from .leftovers import clear_behind
from .loop import Loop
from .requests import Inbox
from .shelf import check_room
from .standstill import Standstill
from .stopping import stop_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a sweep comes from: its file, if any, and what the command line changed in it."""

    file: Path | None = None
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """What paths in the sweep file are relative to."""
        return self.file.absolute().parent if self.file else Path.cwd()


def start(
    sweep: Sweep,
    function: TrainingFunction | None = None,
    *,
    out: Path | None = None,
    source: Source | None = None,
    display: Display | None = None,
    address: Address | None = None,
) -> Results:
    """Run a sweep in a new folder (`runs/<name>-<time>` without `out`).

    `function`: the training function, where the sweep does not name it. `address`: of the cluster
    to run on; None: a Ray of its own. Errors: NightsweepError, before anything is started or
    written.
    """
    source = source or Source()
    if function is not None:
        _check(function)
        sweep = sweep.model_copy(update={"train": reference_to(function)})
        trained: Function = function
    else:
        trained = chosen(sweep, source.folder)
    if problems := list(too_late(sweep, time.time())):
        raise SweepError(problems, source=str(source.file or "sweep"))
    if address is None:
        check_data(sweep, source.folder, str(source.file or "sweep"))
    learned = lessons(sweep, source.folder)
    check_room(sweep.checkpoints, out or Path("runs"))
    folder = RunFolder.create(out or new_folder(sweep.name))
    ledger = Ledger(meter=Meter(gpus=sweep.resources.most_gpus))
    results = Results(folder, Study(sweep), ledger)
    with _locked(folder):
        try:
            _write_header(folder, sweep, source)
            return _drive(
                results,
                trained,
                source.folder,
                display or Silent(),
                {},
                learned,
                address,
            )
        except BaseException:
            if not results.study.trials:
                folder.discard()  # it never began: the next attempt may take the same name
            raise


def resume(
    run: Path,
    function: TrainingFunction | None = None,
    *,
    changes: dict[str, Any] | None = None,
    file: Path | None = None,
    as_begun: bool = False,
    display: Display | None = None,
    address: Address | None = None,
) -> Results:
    """Go on with a run after any end, or extend a finished one by `changes` (trials=100).

    `file`: its sweep file, which may lie elsewhere than it did. `as_begun`: leave out what was
    edited in the sweep file meanwhile. Errors: NightsweepError.
    """
    folder = RunFolder.open(run)
    refuse_links(folder)
    probe(folder.path)
    with _locked(folder):
        results = Results.load(run)
        clear_behind(results.ledger.driver, results.ledger.begun)
        edits = {} if as_begun else changes_on_disk(results, file)
        edits |= {key: value for key, value in (changes or {}).items() if value is not None}
        edits = allowed(results.sweep, edits)
        if file is not None:
            _moved(folder, Source(file=file))
        base = Path(folder.header().get("folder") or ".")
        sweep = changed(results.sweep, edits)
        if address is None:
            check_data(sweep, base, str(run))
        return _drive(
            results,
            _function_again(run, sweep, base, function),
            base,
            display or Silent(),
            edits,
            unlearned(results.study, base),
            address,
        )


def _drive(
    results: Results,
    function: Function,
    base: Path,
    display: Display,
    edits: dict[str, Any],
    learned: Sequence[Learned],
    address: Address | None,
) -> Results:
    """Search, from what there is, until done or told to stop."""
    study, ledger = results.study, results.ledger
    keeper = Keeper(results.folder, ledger)
    study.record_to(keeper.record)
    try:
        _make_room(keeper, study)
        if ledger.held == BY_HAND:
            display.note("it was paused by hand when its driver ended; it goes on now")
        before, over, edited = ledger.searched, ledger.done, edits.get("deadline")
        renewed = edited is not None and edited != study.sweep.deadline
        keeper.record(
            Opened(
                format=FORMAT,
                version=version("nightsweep"),
                host=provenance.host(),
                pid=os.getpid(),
            )
        )
        if edits:
            study.change(**edits)
        if (deadline := study.sweep.deadline) is not None:
            earlier = None if over or renewed else ledger.due
            keeper.record(Due(at=due(deadline, time.time(), earlier)))
        for lesson in learned:
            display.note(told(lesson))
            study.learn(lesson)
        for known in study.running:
            study.interrupt(known.id, "its driver ended")
        for trial in ledger.barren:
            if study.trials[trial].status is Status.FAILED:
                study.interrupt(trial, "failed before anything had trained")
        with stop_request() as request:
            keeper.wait_by(Standstill(results.folder, request, display.note))
            loop = Loop(study, keeper, display, request, before=before, address=address)
            try:
                loop.run(function, base)
            finally:
                keeper.record(Closed(done=loop.done, reason=loop.reason, elapsed=loop.elapsed))
            return keeper.finish(study)
    finally:
        keeper.close()


def _make_room(keeper: Keeper, study: Study) -> None:
    """Remove what is not needed. Errors: RunFolderError if there is not room enough then."""
    trials = keeper.folder.trials
    try:
        trials.mkdir(exist_ok=True)  # it may have been removed, for the room that it took
        keeper.shelf.tidy(study)
        keeper.shelf.check_room()
    except OSError as error:
        raise unwritable(Path(error.filename or trials), error) from error


def _function_again(
    run: Path, sweep: Sweep, base: Path, function: TrainingFunction | None
) -> Function:
    """The function to go on with, checked."""
    if function is not None:
        _check(function)
        return function
    if sweep.train is None and sweep.trainable is None:
        raise TrainingFunctionError(
            f"{run} was started with a function that no other process can import; go on from "
            "Python: nightsweep.resume(run, train)"
        )
    return chosen(sweep, base)


def _check(function: TrainingFunction) -> None:
    """Errors: TrainingFunctionError if it cannot be called, or not be sent to a worker."""
    from ray import cloudpickle

    name = getattr(function, "__name__", "the training function")
    check(function, name)
    try:
        cloudpickle.dumps(function)
    except Exception as error:
        raise TrainingFunctionError(
            f"train: {name} cannot be sent to a worker: {error}; make what it uses from outside "
            "inside it, or at the top of a module"
        ) from error


@contextlib.contextmanager
def _locked(folder: RunFolder) -> Iterator[None]:
    lock = Lock(folder.lock)
    try:
        Inbox(folder).clear()
        yield
    finally:
        lock.release()


def new_folder(name: str) -> Path:
    """`runs/<name>-<time>`; with a number behind it, where that is taken."""
    stem = f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    number = 1
    while (path := Path("runs") / (stem if number == 1 else f"{stem}-{number}")).exists():
        number += 1
    return path


def _write_header(folder: RunFolder, sweep: Sweep, source: Source) -> None:
    """sweep.json, and a copy of the sweep file as it was given."""
    copy = f"sweep{source.file.suffix}" if source.file and source.file.suffix != ".json" else None
    if copy and source.file:
        given = source.file.read_bytes()
        write_whole(folder.path / copy, lambda path: path.write_bytes(given))
    header = {
        "format": FORMAT,
        "sweep": sweep.model_dump(mode="json"),
        "versions": provenance.versions(),
        "host": provenance.host(),
        "commit": provenance.commit(source.folder),
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "folder": str(source.folder),
        "source": str(source.file.absolute()) if source.file else None,
        "copy": copy,
        "given": source.given,
    }
    _put_header(folder, header)


def _moved(folder: RunFolder, source: Source) -> None:
    """Let sweep.json say where the sweep file lies now: code that travels comes to new places."""
    header, file = folder.header(), source.file
    if file is not None and header.get("source") != str(file.absolute()):
        _put_header(
            folder, header | {"folder": str(source.folder), "source": str(file.absolute())}
        )


def _put_header(folder: RunFolder, header: dict[str, Any]) -> None:
    text = json.dumps(header, indent=2) + "\n"
    write_whole(folder.resolved, lambda path: path.write_text(text, encoding="utf-8"))
