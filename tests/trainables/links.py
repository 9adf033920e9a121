"""Where the trials of these tests report to."""

from __future__ import annotations

from nightsweep.trainables.job import Answer, Message, Step


class Link:
    """Keeps what is reported; a trial that asks is to pause, whatever its epoch."""

    halting = False

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def send(self, message: Message) -> None:
        if isinstance(message, Step):
            self.steps.append(message)

    def ask(self, step: Step) -> Answer:
        self.steps.append(step)
        return Answer(trial=step.trial, until=None)


class Halting(Link):
    """A trial is halted after the epochs of `pauses`, and else is asked after each."""

    def __init__(self, *pauses: int) -> None:
        super().__init__()
        self._pauses = pauses

    def ask(self, step: Step) -> Answer:
        self.steps.append(step)
        until = None if step.epoch in self._pauses else step.epoch + 1
        return Answer(trial=step.trial, until=until)
