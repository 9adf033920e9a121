"""Two processes a trial, tuned: plain/ddp.py with four lines changed.

nightsweep run examples/ddp.yaml
"""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.distributed import destroy_process_group, get_rank, init_process_group
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def data():
    x, y = load_digits(return_X_y=True)
    rows = TensorDataset(torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y))
    return torch.utils.data.random_split(
        rows, [1437, 360], generator=torch.Generator().manual_seed(0)
    )


def train(config, trial):
    init_process_group("gloo")  # or "nccl", with a GPU for each process
    learn, judge = data()
    sampler = DistributedSampler(learn)
    batches = DataLoader(learn, batch_size=config["batch_size"] // 2, sampler=sampler)
    layers = nn.Sequential(
        nn.Linear(64, config["units"]), nn.ReLU(), nn.Linear(config["units"], 10)
    )
    model = DistributedDataParallel(layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    trial.keep(model=model, optimizer=optimizer)
    for epoch in trial.epochs():
        sampler.set_epoch(epoch)
        for x, y in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        if get_rank() == 0:
            with torch.no_grad():
                x, y = judge[:]
                trial.report(val_loss=nn.functional.cross_entropy(model.module(x), y))
    destroy_process_group()
