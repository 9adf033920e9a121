"""What to try next, when to stop, what came of it. No Ray, no torch."""

from .space import Choice, Float, Int
from .study import Decision, Study, Trial
from .sweep import Sweep

__all__ = ["Choice", "Decision", "Float", "Int", "Study", "Sweep", "Trial"]
