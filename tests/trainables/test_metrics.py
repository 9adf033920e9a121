import math

import numpy as np
import pytest
import torch

from nightsweep.trainables.metrics import ReportError, checked


def refusal(metrics: dict[str, object]) -> str:
    """Why these metrics are refused, where val_loss is wanted."""
    with pytest.raises(ReportError) as caught:
        checked(metrics, "val_loss")
    return str(caught.value)


def test_plain_numbers_pass_unchanged() -> None:
    assert checked({"val_loss": 0.25, "right": 7}, "val_loss") == {"val_loss": 0.25, "right": 7}


def test_a_whole_number_stays_whole() -> None:
    assert type(checked({"val_loss": 3}, "val_loss")["val_loss"]) is int


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor(0.5),
        torch.tensor([[0.5]]),
        torch.tensor(0.5, requires_grad=True),
        np.float32(0.5),
        np.float64(0.5),
        np.array([0.5]),
    ],
    ids=["tensor", "tensor of shape 1x1", "with gradient", "float32", "float64", "array"],
)
def test_one_element_counts_as_a_number(value: object) -> None:
    number = checked({"val_loss": value}, "val_loss")["val_loss"]
    assert type(number) is float
    assert number == 0.5


@pytest.mark.parametrize("value", [True, np.True_])
def test_true_counts_as_one(value: object) -> None:
    number = checked({"val_loss": value}, "val_loss")["val_loss"]
    assert type(number) is int
    assert number == 1


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinity_is_a_number(value: float) -> None:
    assert checked({"val_loss": value}, "val_loss") == {"val_loss": value}


def test_nan_is_a_number() -> None:
    assert math.isnan(checked({"val_loss": torch.tensor(math.nan)}, "val_loss")["val_loss"])


def test_names_become_text() -> None:
    assert checked({"val_loss": 0.5, 3: 1.0}, "val_loss") == {"val_loss": 0.5, "3": 1.0}  # type: ignore[dict-item]


def test_a_missing_metric_is_named_with_the_nearest_that_was_reported() -> None:
    assert refusal({"train_loss": 0.5, "valloss": 0.5}) == (
        "reported no val_loss, the metric of this sweep; it reported train_loss, valloss. "
        'Did you mean "valloss"?'
    )


def test_nothing_near_the_missing_metric_suggests_nothing() -> None:
    assert refusal({"f1": 0.5}) == (
        "reported no val_loss, the metric of this sweep; it reported f1"
    )


def test_an_empty_report_is_said_to_be_empty() -> None:
    assert refusal({}) == "reported no val_loss, the metric of this sweep; it reported nothing"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "None"),
        ("0.3", "a str"),
        ([0.3], "a list"),
        (np.array("0.3"), "a str"),
        (torch.tensor(1j), "a complex"),
    ],
    ids=["none", "text", "list", "numpy text", "complex"],
)
def test_what_is_no_number_is_refused_by_its_kind(value: object, kind: str) -> None:
    assert refusal({"val_loss": value}) == f"reported val_loss as {kind}; report a number"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (torch.zeros(2, 3), "a Tensor of shape (2, 3)"),
        (torch.zeros(0), "a Tensor of shape (0,)"),
        (np.zeros(4), "a ndarray of shape (4,)"),
    ],
    ids=["matrix", "empty", "array"],
)
def test_several_elements_are_refused_with_a_way_out(value: object, kind: str) -> None:
    assert refusal({"val_loss": value}) == (
        f"reported val_loss as {kind}; report a number, such as its .mean().item()"
    )


def test_of_several_wanted_metrics_the_missing_one_is_named() -> None:
    with pytest.raises(ReportError) as caught:
        checked({"val_loss": 0.5, "latency": 1.0}, "val_loss", "latency_ms")
    assert str(caught.value) == (
        "reported no latency_ms, a metric of this sweep; it reported val_loss, latency. "
        'Did you mean "latency"?'
    )


def test_every_metric_is_checked_not_the_wanted_one_alone() -> None:
    assert refusal({"val_loss": 0.5, "f1": None}) == "reported f1 as None; report a number"


@pytest.mark.parametrize("metric", ["val_loss", "steps"])
def test_a_whole_number_too_large_for_a_float_costs_its_trial_only(metric: str) -> None:
    with pytest.raises(ReportError, match=metric):
        checked({"val_loss": 0.5, metric: 10**400}, "val_loss")
