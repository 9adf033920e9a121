from pathlib import Path

from syne_tune import StoppingCriterion, Tuner
from syne_tune.backend import LocalBackend
from syne_tune.config_space import choice, lograndint, loguniform, randint, uniform
from syne_tune.optimizer.baselines import ASHA

max_epochs = 27

config_space = {
    "n_units_1": randint(4, 1024),
    "batch_size": lograndint(8, 128),
    "dropout_1": uniform(0, 0.99),
    "learning_rate": loguniform(1e-6, 1),
    "optimizer": choice(["sgd", "adam"]),
    "epochs": max_epochs,
}

if __name__ == "__main__":
    scheduler = ASHA(
        config_space,
        metric="validation_error",
        mode="min",
        max_resource_attr="epochs",
        resource_attr="epoch",
        type="promotion",
        grace_period=1,
        reduction_factor=3,
        random_seed=31415927,
    )
    tuner = Tuner(
        trial_backend=LocalBackend(entry_point=str(Path(__file__).parent / "train_mlp.py")),
        scheduler=scheduler,
        stop_criterion=StoppingCriterion(max_wallclock_time=3 * 600),
        n_workers=4,
    )
    tuner.run()
