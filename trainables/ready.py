"""What a sweep trains: a function that it names, or a ready-made trainable with its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..search import ready as settings
from ..search.errors import NOTHING_TRAINS, DataError, TrainingFunctionError
from ..search.ready import KNOWN_SET
from ..search.sweep import Sweep
from . import function
from .function import TrainingFunction
from .trial import Trial


class Trains(Protocol):
    """A training function that can be asked, before anything starts, whether it will do."""

    @property
    def data(self) -> Sequence[str]:
        """Whole paths, and names of known sets."""
        ...

    def check(self) -> None:
        """Errors: DataError, in one sentence, where its data or its programs are not right."""
        ...

    def __call__(self, config: dict[str, Any], trial: Trial) -> None: ...


@runtime_checkable
class Chooses(Protocol):
    """A trainable that is the only one to know which parameters, or values of them, it takes."""

    def allow(self, parameters: Mapping[str, Any]) -> None:
        """All of a sweep's, by name. Errors: SweepError, naming each that it does not take."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyMade:
    """A ready-made trainable, as it is sent to a worker. `data`: paths, names of known sets."""

    settings: settings.Ready
    data: Sequence[str]

    def load(self, folder: Path) -> Trains:
        """What trains; paths are relative to `folder`. Each imports its own libraries, here."""
        data = sources(self.data, folder)
        match self.settings:
            case settings.Tabular():
                from .tabular import Tabular

                return Tabular(self.settings, data)
            case settings.Image():
                from .image import Image

                return Image(self.settings, data)
            case settings.Text():
                from .text import Text

                return Text(self.settings, data, folder)
            case settings.Estimator():
                from .estimator import Estimator

                return Estimator(self.settings, data, folder)
            case settings.Boosting():
                from .boosting import Boosting

                return Boosting(self.settings, data)
            case settings.Command():
                from .command import Command

                return Command(self.settings, folder)
        raise TypeError(f"no trainable has settings like {self.settings!r}")


Function = TrainingFunction | str | ReadyMade


def chosen(sweep: Sweep, folder: Path) -> str | ReadyMade:
    """What a sweep trains, looked at; paths are relative to `folder`.

    Errors: TrainingFunctionError, DataError.
    """
    if sweep.trainable is not None:
        if sweep.resources.processes > 1:
            raise TrainingFunctionError(
                f"trainable {sweep.trainable.name} trains in one process; resources.processes is "
                "for functions train(config, trial) of your own"
            )
        # Whole paths, of which every node is asked; code that travels is another folder there.
        data = sources(sweep.data, folder.absolute())
        made = ReadyMade(settings=sweep.trainable, data=data)
        trains = made.load(folder)
        if isinstance(trains, Chooses):
            trains.allow(sweep.parameters)
        # Data may lie on a cluster's nodes alone, where each is asked for it.
        if all(KNOWN_SET.fullmatch(path) or Path(path).exists() for path in trains.data):
            trains.check()
        return made
    if sweep.train is None:
        raise TrainingFunctionError(NOTHING_TRAINS)
    found = function.load(sweep.train, folder)
    if sweep.resources.processes > 1 and function.kind_of(found) is not function.Kind.OURS:
        raise TrainingFunctionError(
            f"train: {sweep.train} runs in one process; resources.processes is for functions "
            "train(config, trial)"
        )
    return sweep.train


def loaded(what: Function, folder: Path) -> TrainingFunction:
    """The function itself. Errors: TrainingFunctionError, DataError."""
    match what:
        case ReadyMade():
            return what.load(folder)
        case str():
            return function.load(what, folder)
    return what


def sources(data: Sequence[str], folder: Path) -> list[str]:
    """Where to read from: whole paths, and the names of known sets as they are."""
    return [
        name if KNOWN_SET.fullmatch(name) else str(folder / Path(name).expanduser())
        for name in data
    ]


def one(data: Sequence[str], name: str) -> str:
    """The only source of a trainable that takes one. Errors: DataError."""
    if len(data) != 1:
        given = f"{len(data)} paths" if data else "none"
        raise DataError(
            f"trainable {name} learns from one path in data: or --data, and has {given}"
        )
    return data[0]
