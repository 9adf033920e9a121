"""Columns made ready for scikit-learn: a step that learns from the rows it is fitted on alone."""

from __future__ import annotations

from typing import Any

import pandas as pd

from .columns import Columns, Raw

MOST = 50  # categories that a column is spread over; the rarer ones share one


def readable(raw: Raw) -> pd.DataFrame:
    """The table that `encoder` reads: numbers, NaN where missing, and words."""
    return pd.DataFrame({**raw.numbers, **raw.categories})


def encoder(columns: Columns, *, whole: bool) -> Any:
    """Makes numbers of these columns: categories one by one, those seen once together as one.

    `whole`: nothing stays missing, and numbers are standardised, as linear models, neighbours and
    kernels want it; otherwise numbers stay as they are, as boosted trees take them.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    filled = make_pipeline(
        SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    spread = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=2, max_categories=MOST,
        sparse_output=False,
    )  # fmt: skip
    steps = [
        ("numbers", filled if whole else "passthrough", list(columns.numbers)),
        ("categories", spread, list(columns.categories)),
    ]
    return ColumnTransformer([step for step in steps if step[2]], verbose_feature_names_out=False)
