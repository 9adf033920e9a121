"""Networks of torchvision, where it is installed: with weights that were learned elsewhere.

Nothing is downloaded: trials would, all at once, in the night.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..search.errors import DataError
from ..search.nearest import nearest

UNSUITED = ("googlenet", "inception_v3")  # hand out several scores while they are trained


def module(name: str) -> Any:
    """`torchvision.<name>`. Errors: DataError, where it is not installed, or does not run here."""
    try:
        return import_module(f"torchvision.{name}")
    except ModuleNotFoundError as error:
        if error.name != "torchvision":
            raise
        raise DataError("torchvision is not installed here: pip install torchvision") from None
    except (ImportError, OSError, RuntimeError) as error:  # as one made for another torch
        raise DataError(
            f"torchvision is installed here, but does not go with torch {torch.__version__} "
            f"({str(error).splitlines()[0]}); install both from the same place"
        ) from None


def network(name: str, outputs: int, *, pretrained: bool) -> nn.Module:
    """Pictures (B, 3, H, W) to scores (B, outputs). `name`: as torchvision calls it.

    `pretrained`: with the weights that torchvision recommends, all but the last layer's.
    Errors: DataError, where there is no such network, or its weights are not on this machine.
    """
    models = module("models")
    names = [name for name in models.list_models(module=models) if name not in UNSUITED]
    if name not in names:
        near = nearest(name, names)
        hint = f'. Did you mean "{near}"?' if near else f"; {', '.join(names[:5])}, ... are"
        raise DataError(f"torchvision:{name} is no network for classes of pictures{hint}")
    made: nn.Module = models.get_model(name, weights=None, num_classes=outputs)
    if pretrained:
        _fill(made, _loaded(_weights(models, name)))
    return made


@torch.no_grad()
def look(network: nn.Module, size: tuple[int, ...]) -> None:
    """See whether a network takes pictures of this size (H, W). Errors: DataError."""
    try:
        network.eval()(torch.zeros(1, 3, *size))
    except Exception as error:  # each has words of its own
        pixels = " × ".join(map(str, size))
        raise DataError(
            f"the network cannot see pictures of {pixels} pixels ({str(error).splitlines()[0]}); "
            "write size: 224, for which most are made"
        ) from None


def _weights(models: Any, name: str) -> Path:
    """The file that torchvision has downloaded earlier. Errors: DataError."""
    url = models.get_model_weights(name).DEFAULT.url
    path = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
    if not path.exists():
        raise DataError(
            f"the weights of torchvision:{name} are not on this machine, and a sweep downloads "
            'nothing; fetch them once, on each machine: python -c "import torchvision; '
            f"torchvision.models.get_model('{name}', weights='DEFAULT')\", or write "
            "pretrained: false"
        )
    return path


def _loaded(path: Path) -> dict[str, torch.Tensor]:
    """Errors: DataError, as where a download was cut off."""
    try:
        found: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's, zip's and torch's own have nothing in common
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{path} holds no weights that can be read ({why}); remove it, and fetch it again"
        ) from None
    return found


def _fill(made: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """All weights but those of another shape: the last layer's, which has other classes."""
    own = made.state_dict()
    fitting = {
        name: value
        for name, value in weights.items()
        if name in own and own[name].shape == value.shape
    }
    made.load_state_dict(own | fitting)
