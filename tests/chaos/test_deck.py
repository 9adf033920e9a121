"""In which order faults come."""

from __future__ import annotations

import random
from itertools import islice

from .deck import deal

CARDS = {"kill": 3, "stop": 1}


def dealt(seed: int) -> list[str]:
    return list(islice(deal(CARDS, random.Random(seed)), 40))


def test_every_pack_holds_its_proportions() -> None:
    cards = dealt(0)
    packs = [sorted(cards[start : start + 4]) for start in range(0, 40, 4)]
    assert packs == [["kill", "kill", "kill", "stop"]] * 10


def test_the_seed_decides_the_order() -> None:
    assert dealt(1) == dealt(1)
    assert dealt(1) != dealt(2)
