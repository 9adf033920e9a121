from __future__ import annotations

from nightsweep.search import Choice, Float
from nightsweep.search.space import Space
from nightsweep.search.tried import Tried

SPACE = Space(
    {
        "a": Choice(values=[True, 1, [1]]),
        "x": Float(min=0.0, max=0.9, step=0.3),
        "y": Float(min=0.0, max=1.0, when={"a": 1}),
        "width": 64,
    }
)


def test_what_was_tried_is_found_and_nothing_else() -> None:
    tried = Tried(SPACE)
    tried.add({"a": True, "x": 0.3, "width": 64})
    assert {"a": True, "x": 0.3, "width": 64} in tried
    assert {"a": [1], "x": 0.3, "width": 64} not in tried
    assert {"a": True, "x": 0.6, "width": 64} not in tried
    assert {"a": 1, "x": 0.3, "y": 0.5, "width": 64} not in tried


def test_the_order_of_the_keys_makes_no_difference() -> None:
    tried = Tried(SPACE)
    tried.add({"y": 0.5, "x": 0.3, "a": 1})
    assert {"a": 1, "x": 0.3, "y": 0.5} in tried
    assert {"a": 1, "x": 0.3, "y": 0.25} not in tried


def test_the_same_step_is_the_same_value_however_it_was_rounded() -> None:
    tried = Tried(SPACE)
    tried.add({"a": True, "x": 0.1 + 0.2})
    assert {"a": True, "x": 0.3} in tried


def test_with_replicates_it_counts() -> None:
    tried = Tried(SPACE, replicates=2)
    tried.add({"a": True, "x": 0.3})
    assert {"a": True, "x": 0.3} not in tried
    tried.add({"a": True, "x": 0.3})
    assert {"a": True, "x": 0.3} in tried
