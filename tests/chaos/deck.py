"""Which fault comes next: all kinds in their proportions, in an order that the seed decides."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import TypeVar

Card = TypeVar("Card")


def deal(cards: Mapping[Card, int], chance: random.Random) -> Iterator[Card]:
    """Without end; every kind comes as often as it says before the pack is shuffled anew."""
    while True:
        pack = [card for card, times in cards.items() for _ in range(times)]
        chance.shuffle(pack)
        yield from pack
