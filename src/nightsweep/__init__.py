"""Distributed hyperparameter search for PyTorch: start a sweep in the evening, read the report
in the morning.

    results = nightsweep.run(train, {"lr": nightsweep.Float(min=1e-5, max=1.0, log=True)},
                             metric="val_loss", max_epochs=27)
    print(results.best.config)
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cluster.api import load, resume, run
    from .cluster.optimize import optimize
    from .search.errors import NightsweepError
    from .search.results import Best, Results
    from .search.space import Choice, Float, Int
    from .search.sweep import Sweep
    from .trainables.batches import Data
    from .trainables.distributed import distributed
    from .trainables.huggingface import HuggingFaceReport
    from .trainables.lightning import LightningReport
    from .trainables.loop import fit
    from .trainables.trial import Trial

__all__ = [
    "Best",
    "Choice",
    "Data",
    "Float",
    "HuggingFaceReport",
    "Int",
    "LightningReport",
    "NightsweepError",
    "Results",
    "Sweep",
    "Trial",
    "__version__",
    "distributed",
    "fit",
    "load",
    "optimize",
    "resume",
    "run",
]

try:
    __version__ = version("nightsweep")
except PackageNotFoundError:  # a checkout on the path, not installed
    __version__ = "0+unknown"

# Each is imported when it is first asked for, so that `import nightsweep` costs next to nothing.
_HOMES = {
    "Best": ".search.results",
    "Choice": ".search.space",
    "Data": ".trainables.batches",
    "Float": ".search.space",
    "HuggingFaceReport": ".trainables.huggingface",
    "Int": ".search.space",
    "LightningReport": ".trainables.lightning",
    "NightsweepError": ".search.errors",
    "Results": ".search.results",
    "Sweep": ".search.sweep",
    "Trial": ".trainables.trial",
    "distributed": ".trainables.distributed",
    "fit": ".trainables.loop",
    "load": ".cluster.api",
    "optimize": ".cluster.optimize",
    "resume": ".cluster.api",
    "run": ".cluster.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nightsweep' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return __all__
