"""A perceptron on a table: nothing to write but which column is to be predicted.

python examples/tabular.py
"""

from sklearn.datasets import load_diabetes

import nightsweep

if __name__ == "__main__":
    table = load_diabetes(as_frame=True, scaled=False).frame
    table.rename(columns={"target": "progression"}).to_csv("diabetes.csv", index=False)
    results = nightsweep.run(
        {"name": "tabular", "target": "progression"},
        data="diabetes.csv",
        trials=20,
    )
    print(results.summary())
    print(results.trials.sort_values("best/val_loss")[["best/val_rmse", "best/test_rmse"]].head())
