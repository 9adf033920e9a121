from __future__ import annotations

import pytest

from nightsweep.search.signature import label, place, signature

TRACEBACK = """Traceback (most recent call last):
  File "/home/me/train.py", line 12, in train
    loss = step(model)
  File "/home/me/model.py", line 33, in step
    return x @ w
RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x128 and 64x10)"""
SHAPES = "raised RuntimeError: mat1 and mat2 shapes cannot be multiplied ({} and 64x10)"


def test_the_place_is_the_last_frame() -> None:
    assert place(TRACEBACK) == "model.py:33"
    assert place("") == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SHAPES.format("64x128"), SHAPES.format("32x256")),
        ("raised KeyError: 'units'", "raised KeyError: 'width'"),
        ("raised E: <object at 0x7f31ac>", "raised E: <object at 0x7f99bb>"),
        ("raised E: lr 1e-05 is too low", "raised E: lr 0.003 is too low"),
    ],
)
def test_figures_addresses_and_names_may_differ(one: str, other: str) -> None:
    assert signature(one, TRACEBACK) == signature(other, TRACEBACK)


def test_another_place_or_another_error_is_another_failure() -> None:
    other = TRACEBACK.replace("line 33", "line 34")
    assert signature("raised E: no", TRACEBACK) != signature("raised E: no", other)
    assert signature("raised E: no", TRACEBACK) != signature("raised F: no", TRACEBACK)


def test_a_label_names_the_place_where_it_is_known() -> None:
    assert label("raised E: no", TRACEBACK) == "raised E: no (model.py:33)"
    assert label("its worker died") == "its worker died"
