"""The knobs of the PyTorch loop, which every trainable has that trains by it.

Their defaults and meanings: trainables/knobs.py.
"""

from __future__ import annotations

from .knob import FLAG, Knob, Number, Words

OPTIMIZERS = (
    "sgd", "adam", "adamw", "nadam", "nadamw", "radam", "adamax", "rmsprop", "adagrad", "adadelta",
)  # fmt: skip
SCHEDULES = ("constant", "step", "exponential", "cosine", "one-cycle", "plateau")
SHARE = Number(most=1.0, below=True)

LOOP: dict[str, Knob] = {
    "lr": Number(),
    "batch_size": Number(1, whole=True),
    "epochs": Number(1, whole=True),
    "optimizer": Words(OPTIMIZERS),
    "momentum": Number(),
    "nesterov": FLAG,
    "beta1": SHARE,
    "beta2": SHARE,
    "l1": Number(),
    "l2": Number(),
    "schedule": Words(SCHEDULES),
    "warmup": Number(),
    "label_smoothing": SHARE,
    "clip": Number(),
    "accumulate": Number(1, whole=True),
    "precision": Words(("32", "bf16", "fp16")),
    "compile": FLAG,
    "patience": Number(0, whole=True),
    "min_delta": Number(),
}
