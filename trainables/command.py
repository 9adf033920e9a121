"""`command: python train.py --lr {lr}`: any program, which prints what it reports.

What it is given and what it must do: docs/coming-from/command.md.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ..search.errors import DataError
from ..search.ready import Command as Settings
from ..search.ready import template
from . import checkpoint
from .commands import startable, surroundings, working
from .commands.conversation import Conversation
from .commands.listener import Listener
from .commands.program import Program
from .failure import ProgramError
from .trial import Trial


class Command:
    """A program that trains. `folder`: where it runs, and what its paths are relative to."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.data: list[str] = []

    def check(self) -> None:
        """Errors: DataError, where its program or script is not there, or cannot be run."""
        words = self.settings.words
        if not template.names(words[:1]):
            startable.program(words[0], self.folder)
        startable.script(words, self.folder)

    def __call__(self, config: dict[str, Any], trial: Trial) -> None:
        """Run the program for a trial. Errors: ProgramError."""
        place = trial.standing(lambda: self._prepare(trial))
        listener = Listener()
        try:
            with self._started(trial, place, listener) as program:
                Conversation(program, trial, place, self.settings.grace).hold()
        finally:
            listener.close()
            shutil.rmtree(place, ignore_errors=True)

    def _prepare(self, trial: Trial) -> Path:
        """Write what the program reads; the folder for its checkpoint. Errors: OSError."""
        surroundings.write_config(trial)
        saved = checkpoint.place(trial.folder, trial.epoch) if trial.epoch else None
        return working.made(trial.folder, saved)

    def _started(self, trial: Trial, place: Path, listener: Listener) -> Program:
        """Errors: ProgramError, if it cannot be started."""
        line = self.settings.words
        words = template.filled(line, surroundings.values(trial, place))
        try:
            words[0] = startable.program(words[0], self.folder)
            return Program(
                words,
                folder=self.folder,
                environment=surroundings.environment(trial, place, listener.name, os.environ),
                listener=listener,
                scratch=place,
            )
        except DataError as error:
            raise ProgramError(str(error)) from None
        except (OSError, ValueError) as error:  # too long, or with a zero byte
            raise ProgramError(f"{words[0]} cannot be started: {error}") from None
