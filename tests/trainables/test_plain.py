import collections
import datetime
import enum
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nightsweep.trainables import checkpoint, plain


class Colour(enum.Enum):
    RED = 1


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.sentinel),)


def saved(tmp_path: Path, value: Any) -> Path:
    path = tmp_path / "state.pt"
    torch.save({"kept": {"thing": value}}, path)
    return path


@pytest.mark.parametrize(
    "value",
    [
        3, -1.5, 10**40, 1j, None, True, "text", b"\x00bytes\xff", [1, (2, 3)], {1, 2}, {"a": {}},
        collections.OrderedDict(a=1), collections.Counter("aab"), Path("data/x"),
        np.float64(1.5), np.float32(1.5), np.int64(3), np.bool_(True), torch.float16,
    ],
    ids=repr,
)  # fmt: skip
def test_plain_values_come_back(tmp_path: Path, value: Any) -> None:
    path = saved(tmp_path, value)
    plain.check(path)
    found = plain.read(path)["kept"]["thing"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "array",
    [np.arange(6.0).reshape(2, 3), np.array([1, 2], dtype="uint8"), np.array(["a", "bc"])],
    ids=["floats", "bytes", "words"],
)
def test_arrays_come_back(tmp_path: Path, array: Any) -> None:
    path = saved(tmp_path, array)
    plain.check(path)
    found = plain.read(path)["kept"]["thing"]
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Colour.RED, "Colour"),
        (torch.nn.Linear(1, 1), "torch.nn.modules.linear.Linear"),
        (datetime.timedelta(1), "datetime.timedelta"),
        (len, "builtins.len"),
    ],
    ids=["enum", "module", "class", "function"],
)
def test_what_is_more_than_that_is_refused_when_it_is_saved(
    tmp_path: Path, value: Any, name: str
) -> None:
    with pytest.raises(plain.StateError, match=rf"a state_dict with .*{name}.*; let it hold"):
        plain.check(saved(tmp_path, value))


def test_checking_and_reading_run_nothing(tmp_path: Path) -> None:
    sentinel = tmp_path / "sentinel"
    path = saved(tmp_path, Bomb(sentinel))
    with pytest.raises(plain.StateError, match=r"mkdir"):
        plain.check(path)
    with pytest.raises(plain.StateError, match=r"state\.pt is not read: it holds more than"):
        plain.read(path)
    assert not sentinel.exists()
    torch.load(path, weights_only=False)  # which is what it would have done
    assert sentinel.exists()


class Keeps:
    """Something to keep whose state is one value."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def state_dict(self) -> dict[str, Any]:
        return {"value": self.value}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.value = state_dict["value"]


def test_a_state_that_is_refused_leaves_the_checkpoint_before_it(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 1, checkpoint.state_of({"thing": Keeps(1)}))
    with pytest.raises(plain.StateError):
        checkpoint.save(tmp_path, 2, checkpoint.state_of({"thing": Keeps(Colour.RED)}))
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-1"]
    assert checkpoint.load(tmp_path, 1)["kept"]["thing"] == {"value": 1}


def test_bytes_that_a_thing_unpickles_itself_are_its_own_affair(tmp_path: Path) -> None:
    kept = Keeps(pickle.dumps(Colour.RED))
    checkpoint.save(tmp_path, 1, checkpoint.state_of({"thing": kept}))
    found = checkpoint.load(tmp_path, 1)["kept"]["thing"]["value"]
    assert pickle.loads(found) is Colour.RED


def test_a_stranger_s_checkpoint_is_not_loaded(tmp_path: Path) -> None:
    sentinel = tmp_path / "sentinel"
    place = checkpoint.place(tmp_path, 3)
    place.mkdir()
    torch.save({"kept": Bomb(sentinel), "rng": {}}, place / "state.pt")
    with pytest.raises(plain.StateError):
        checkpoint.load(tmp_path, 3)
    (place / "state.pt").write_bytes(pickle.dumps(Bomb(sentinel), protocol=2))
    with pytest.raises(plain.StateError):
        checkpoint.load(tmp_path, 3)
    assert not sentinel.exists()
