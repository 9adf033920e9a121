from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search.errors import SweepError
from nightsweep.search.imports.recognise import READERS, reader, recognise
from nightsweep.search.sweepfile import read

from .drafts import FILES

FORMS = {
    "wandb": "wandb",
    "determined": "determined",
    "katib": "katib",
    "nni": "nni",
    "hydra": "hydra",
    "syne_tune": "syne-tune",
}
DOCUMENTS = sorted(path.name for path in FILES.iterdir() if path.suffix != ".py")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_format_is_known_by_what_a_file_holds(name: str) -> None:
    form = FORMS[name.partition(".")[0].partition("-")[0]]
    assert recognise(read(FILES / name)[0]) == form


def test_every_format_has_an_example() -> None:
    assert set(FORMS.values()) == set(READERS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": 1}, "looks like no sweep that is known here; name its format: --format determined"),
        ({"parameters": {"x": {"values": [1, 2]}}}, "name its format"),
        ({"parameters": {}, "train": "a.py:f"}, "is a sweep file of nightsweep's"),
    ],
)
def test_what_it_cannot_tell_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SweepError, match=message):
        recognise(given)


def test_a_format_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        SweepError, match=r"^--format: optuna is no format; name determined, .*wandb"
    ):
        reader("optuna")
