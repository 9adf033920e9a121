"""What trainables on tables have in common: the columns, and how the rows are split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from .knob import Knob

Text = Annotated[str, Field(min_length=1)]


def _listed(raw: Any) -> Any:
    return [raw] if isinstance(raw, str) else raw


class Settings(BaseModel):
    """Of a trainable: what stands beside its name in a sweep file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def knobs(self) -> Mapping[str, Knob] | None:
        """What a configuration may hold; None: only the training knows."""
        return None


class Held(Settings):
    """What is held back from training: to judge by, and to be seen by no decision."""

    val: float = Field(
        0.2, gt=0, lt=0.9, description="share of the rows that trials are judged by"
    )
    test: float = Field(
        0.2, ge=0, lt=0.9, description="share of the rows that no decision sees; 0: none"
    )
    cv: int | None = Field(
        None,
        ge=2,
        le=100,
        strict=True,
        description="so many folds, in place of one part to judge by",
    )
    seed: int = Field(0, ge=0, strict=True, description="of the split: the same for every trial")

    @model_validator(mode="after")
    def _some_left(self) -> Self:
        if self.cv is not None and self.val != type(self).model_fields["val"].default:
            raise ValueError(
                f"val: {self.val:g} is for one part to judge by, and cv: {self.cv} judges by each "
                "of its folds in turn; leave val out"
            )
        if self.cv is None and self.val + self.test >= 0.95:
            raise ValueError(
                f"val {self.val:g} and test {self.test:g} leave too few rows to train on"
            )
        return self


class Rows(Held):
    """A table, of which a column is to be predicted."""

    target: Text | None = Field(
        None, description="the column to predict; scikit-learn's sets have theirs"
    )
    task: Literal["auto", "classification", "regression"] = Field(
        "auto", description="auto: numbers with a fraction, or of many values, are regression"
    )
    ignore: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = Field(
        (), description="columns that are not learned from"
    )
    group: Text | None = Field(
        None, description="rows with the same value here stay on the same side of every split"
    )
