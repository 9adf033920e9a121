"""What a sweep file may say of images, and what is searched where it says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search.errors import SweepError
from nightsweep.search.ready.image import EPOCHS, KNOBS, Image
from nightsweep.search.sweep import Sweep


def sweep(**more: Any) -> Sweep:
    return Sweep(name="a", **({"trainable": "image", "data": "pictures"} | more))


def refused(**more: Any) -> str:
    with pytest.raises(SweepError) as error:
        sweep(**more)
    return str(error.value)


@pytest.mark.parametrize("settings", [{}, {"cv": 3}, {"model": "torchvision:resnet18"}])
def test_what_is_searched_by_itself_are_knobs(settings: dict[str, Any]) -> None:
    found = sweep(trainable={"name": "image", **settings})
    assert found.trainable == Image(**settings)
    assert set(Image(**settings).defaults()["parameters"]) <= set(KNOBS)


def test_a_network_of_torchvisions_has_no_width_to_search() -> None:
    own, theirs = (Image(model=name).defaults() for name in ("resnet", "torchvision:vgg11"))
    assert {"width", "depth"} <= set(own["parameters"]) - set(theirs["parameters"])


def test_with_folds_an_epoch_is_a_fold() -> None:
    found = sweep(trainable={"name": "image", "cv": 4})
    assert found.max_epochs == 4
    assert found.parameters["epochs"] == EPOCHS  # of each fold's training


def test_a_slip_in_a_knob_is_refused_with_the_nearest() -> None:
    assert 'Did you mean "width"?' in refused(parameters={"widht": {"values": [16, 32]}})
    assert "shift" in refused(parameters={"shift": {"min": 0.0, "max": 2.0}})


def test_a_network_without_its_library_is_not_taken_for_the_nearest_word() -> None:
    message = refused(trainable={"name": "image", "model": "resnet18"})
    assert message.endswith("'resnet18' is not one of resnet, torchvision:NAME")


def test_the_network_is_a_parameter_too() -> None:
    values = ["resnet", "torchvision:resnet18"]
    assert sweep(parameters={"model": {"values": values}})
    message = refused(parameters={"model": {"values": ["resnet", "resnet18"]}})
    assert "parameters.model" in message
    assert "torchvision:NAME" in message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "resnet50"}, "resnet, torchvision:NAME"),
        ({"size": 0}, "trainable.size"),
        ({"limit": 2.5}, "trainable.limit"),
        ({"val": 0.5, "test": 0.5}, "leave too few"),
        ({"target": "price"}, "target"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, Any], message: str) -> None:
    assert message in refused(trainable={"name": "image", **settings})
