"""`gpus: auto` while a sweep runs: the slots follow what is measured of their trials."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..search.resources import Resources
from ..search.study import Study
from .capacity import Node, room, sharing
from .devices.sharing import MOST, Sharing
from .keeper import Keeper
from .nodes import Members

if TYPE_CHECKING:
    from .engine import Engine


class Shares:
    """One for a driver. `sharing`: what decides; None where the sweep says how many share.

    `note`: is told of every change.
    """

    def __init__(self, study: Study, keeper: Keeper, note: Callable[[str], object]) -> None:
        self._study = study
        self._keeper = keeper
        self._note = note
        auto = study.sweep.resources.auto
        self.sharing = Sharing(keeper.ledger.shared) if auto else None
        self._members: Members = {}
        self._nodes: list[Node] = []

    @property
    def needs(self) -> Resources:
        """What a slot gets that is opened now."""
        resources = self._study.sweep.resources
        return resources.shared(self.sharing.each) if self.sharing else resources

    def follow(self, engine: Engine, members: Members, slots: Callable[[int], int]) -> None:
        """Reshape the engine's slots if another number is to share a GPU.

        `slots`: how many to open where so many fit.
        """
        if self.sharing is None:
            return
        resources, before = self._study.sweep.resources, self.sharing.each
        if members is not self._members:
            self._members, self._nodes = members, [member.has for member in members.values()]
            self.sharing.room = sharing(self._nodes, resources, slots, most=MOST)
        if (change := self.sharing.next()) is None:
            return
        self._keeper.record(change)
        self._note(change.reason)
        if change.each != before:
            fits = room(self._nodes, self.needs)
            engine.reshape(self.needs, slots(fits), change.reason)
