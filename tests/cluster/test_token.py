"""Who may talk to the Ray of a sweep: tried with real drivers, and on two nodes on loopback."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightsweep.cluster.token import decided

SECRET = "c0ffee-4711-c0ffee"
FAILING = """
import os
from pathlib import Path

def train(config, trial):
    token = Path(os.environ["RAY_AUTH_TOKEN_PATH"]).read_text()
    print("mode", os.environ["RAY_AUTH_MODE"], "token of", len(token), os.environ["WANDB_API_KEY"])
    if config["x"] == 1:
        raise ConnectionError("no https://ann:pw@db for " + os.environ["WANDB_API_KEY"])
    trial.report(loss=1.0)
"""
ALONE = """
import nightsweep
from fit import train

nightsweep.run(
    train, {"x": {"values": [1, 2]}}, metric="loss", sampler="grid", max_epochs=1, slots=1,
    out="run", quiet=True,
)
"""
TOKENS = """
import os, subprocess
from ray._raylet import AuthenticationTokenLoader
from nightsweep.cluster.token import own_token

def read(path, user=None):
    return subprocess.run(["cat", path], capture_output=True, text=True, user=user).stdout

tokens = set()
for _ in range(2):
    with own_token():
        path = os.environ["RAY_AUTH_TOKEN_PATH"]
        token = read(path)
        known = AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True)
        other = read(path, user=65534) if os.getuid() == 0 else ""  # only root can try that
        print(len(token), known, len(other))
        tokens.add(token)
print(len(tokens), "different")
if "RAY_AUTH_TOKEN_PATH" not in os.environ and not os.path.exists(path):
    print("gone")
"""
JOINING = """
import sys
import time
import ray
import nightsweep

def train(config, trial):
    time.sleep(0.3)  # so that both nodes get some
    trial.report(loss=config["x"])

if __name__ == "__main__":
    ray.init(address=sys.argv[1], _node_ip_address="127.0.0.2", log_to_driver=False)
    results = nightsweep.run(
        train, {"x": {"values": [1, 2, 3, 4]}}, metric="loss", sampler="grid", max_epochs=1,
        out=sys.argv[2], quiet=True,
    )
    print(len(ray.nodes()), "nodes,", results.counts["completed"], "trials")
"""


def _without_ray() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}


@pytest.mark.parametrize(
    ("environ", "own"),
    [
        ({}, True),
        ({"RAY_AUTH_MODE": "token"}, True),
        ({"RAY_AUTH_MODE": "disabled"}, False),
        ({"RAY_AUTH_TOKEN": "abc"}, False),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": "/home/ann/token"}, False),
    ],
)
def test_a_driver_has_a_token_of_its_own_unless_the_user_has_said_something(
    environ: dict[str, str], own: bool
) -> None:
    assert decided(environ) is not own


def test_the_token_is_for_the_user_s_processes_alone_and_gone_afterwards() -> None:
    # In a process of its own: the Ray of the other tests would take the token for its own.
    done = subprocess.run(
        [sys.executable, "-c", TOKENS], capture_output=True, text=True, env=_without_ray()
    )
    assert done.stdout.splitlines() == ["64 True 0", "64 True 0", "2 different", "gone"]


@pytest.mark.ray
def test_a_driver_s_ray_asks_for_a_token_and_no_secret_is_written_down(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    (tmp_path / "fit.py").write_text(FAILING)
    (tmp_path / "sweep.py").write_text(ALONE)
    environ = _without_ray() | {"HOME": str(home), "WANDB_API_KEY": SECRET}
    subprocess.run(
        [sys.executable, "sweep.py"], cwd=tmp_path, env=environ, check=True, timeout=120
    )

    run = tmp_path / "run"
    logs = [(run / "trials" / trial / "log.txt").read_text() for trial in "12"]
    for log in logs:
        assert log.startswith("mode token token of 64 ***\n")
    journal = (run / "journal.jsonl").read_text()
    assert "raised ConnectionError: no https://***@db for ***" in journal
    assert "raised ConnectionError: no https://***@db for ***" in (run / "trials.csv").read_text()
    for file in run.rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes()
    assert list(home.iterdir()) == []


class Nodes:
    """Two raylets on addresses of this machine, with one token."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.token, self.wrong = place / "token", place / "wrong"
        for path, sign in ((self.token, "a"), (self.wrong, "b")):
            path.write_text(sign * 64)
        with socket.socket() as free:
            free.bind(("127.0.0.2", 0))
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.2:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def environ(self, token: Path) -> dict[str, str]:
        return _without_ray() | {
            "HOME": str(self.place),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
        }

    def start(self, ip: str, *words: str) -> None:
        """`ray start`, and wait until its node is up."""
        log = self.place / f"{ip}.log"
        with log.open("wb") as out:
            command = [str(Path(sys.executable).with_name("ray")), "start", "--block", *words]
            command += [f"--node-ip-address={ip}", f"--temp-dir={self.place / ip[-1]}"]
            command += ["--num-cpus=1", "--object-store-memory=100000000"]
            environ = self.environ(self.token)
            self.processes.append(subprocess.Popen(command, stdout=out, stderr=out, env=environ))
        for _ in range(600):
            if "--block" in log.read_text():
                return
            assert self.processes[-1].poll() is None, log.read_text()
            time.sleep(0.1)
        raise AssertionError(log.read_text())

    def drive(self, token: Path, out: str) -> subprocess.Popen[str]:
        """A driver of a sweep on these nodes."""
        return subprocess.Popen(
            [sys.executable, "join.py", self.address, out],
            cwd=self.place,
            env=self.environ(token),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self) -> None:
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(60)


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    # Ray's sockets lie in it, and their paths have 107 bytes at most: pytest's are too long.
    with tempfile.TemporaryDirectory(prefix="nodes-", ignore_cleanup_errors=True) as place:
        nodes = Nodes(Path(place))
        try:
            nodes.start("127.0.0.2", "--head", f"--port={nodes.port}", "--include-dashboard=false")
            nodes.start("127.0.0.3", f"--address={nodes.address}")
            yield nodes
        finally:
            nodes.end()


@pytest.mark.slow
@pytest.mark.ray
def test_a_cluster_of_two_nodes_takes_the_driver_that_has_its_token_and_no_other(
    nodes: Nodes,
) -> None:
    (nodes.place / "join.py").write_text(JOINING)
    wrong, right = nodes.drive(nodes.wrong, "other"), nodes.drive(nodes.token, "run")
    assert right.communicate()[0].endswith("2 nodes, 4 trials\n")
    told = wrong.communicate()[0]
    assert wrong.returncode != 0
    assert "AuthenticationError" in told
    assert "token is missing or incorrect" in told
    assert not (nodes.place / "other").exists()
