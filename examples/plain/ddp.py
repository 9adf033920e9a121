"""The script that examples/ddp.py was made from.

torchrun --nproc-per-node 2 examples/plain/ddp.py
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


def train(config):
    init_process_group("gloo")  # or "nccl", with a GPU for each process
    learn, judge = data()
    sampler = DistributedSampler(learn)
    batches = DataLoader(learn, batch_size=config["batch_size"] // 2, sampler=sampler)
    layers = nn.Sequential(
        nn.Linear(64, config["units"]), nn.ReLU(), nn.Linear(config["units"], 10)
    )
    model = DistributedDataParallel(layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    for epoch in range(1, 10):
        sampler.set_epoch(epoch)
        for x, y in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        if get_rank() == 0:
            with torch.no_grad():
                x, y = judge[:]
                print(epoch, nn.functional.cross_entropy(model.module(x), y).item())
    destroy_process_group()


if __name__ == "__main__":
    train({"units": 64, "lr": 1e-3, "batch_size": 32})
