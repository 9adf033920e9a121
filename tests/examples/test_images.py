"""The examples on images, made small: scikit-learn's digits, and Fashion-MNIST where it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import nightsweep
from nightsweep.search.errors import DataError
from nightsweep.trainables import transfer

EXAMPLES = Path(__file__).parents[2] / "examples"
FASHION = Path("/usr/share/datasets/fashion-mnist")

pytestmark = pytest.mark.examples


def ran(folder: Path, name: str, *more: str) -> nightsweep.Results:
    """What a sweep file comes to, with two trials of four epochs at most."""
    text = (EXAMPLES / name).read_text().replace("max_epochs: 27", "max_epochs: 4")
    (folder / name).write_text(text)
    command = [sys.executable, "-m", "nightsweep", "run", name, "--out", "run", "--trials", "2"]
    done = subprocess.run([*command, *more], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return nightsweep.load(folder / "run")


@pytest.mark.ray
def test_the_digits_are_learned_as_images(tmp_path: Path) -> None:
    found = ran(tmp_path, "digits_images.yaml")
    assert found.curves["test_accuracy"].max() > 0.3  # by chance: a tenth


@pytest.mark.ray
@pytest.mark.skipif(not FASHION.exists(), reason="dataset-fashion-mnist is not installed")
def test_fashion_mnist_is_learned_from_where_the_command_line_says(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").symlink_to(FASHION)
    found = ran(tmp_path, "fashion.yaml", "--data", "elsewhere", "--set", "limit=1000")
    assert found.curves["test_accuracy"].max() > 0.3


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_torchvisions_own_networks_are_made_for_ones_classes(name: str) -> None:
    try:
        transfer.module("models")
    except DataError as error:  # one made for CUDA does not go with torch for the CPU
        pytest.skip(str(error))
    network = transfer.network(name, 4, pretrained=False)
    transfer.look(network, (64, 64))
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 4)
