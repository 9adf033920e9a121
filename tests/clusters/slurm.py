"""A real Slurm on one machine: a controller and nodes n1, n2, ..., each a slurmd of its own.

Nodes have addresses of their own on the loopback (127.0.0.11, .12, ...), four CPUs, as Slurm sees
it, and two GPUs that are none: device files behind which there is nothing, by whose numbers Slurm
hands them out. Partition `debug` is the default; `scavenge` has to give way to it. It needs root
(for the device files) and the programs that install.sh installs; everything is ended by pid.

    with Slurm(nodes=3) as slurm:
        subprocess.run(["nightsweep", "submit", ...], env=slurm.environ)
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
GPUS = 2
CPUS = 4
MAJOR = 240  # of devices; nothing has it
UP = 30.0  # seconds until all nodes are idle
CONF = """\
ClusterName=stand
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthInfo=socket={place}/munge.socket,cred_expire=5
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool-%n
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=500
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
SlurmdTimeout=5
KillWait=5
MailProg=/bin/true
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
{nodes}
PartitionName=debug Nodes=ALL Default=YES PriorityTier=10 PreemptMode=OFF State=UP
PartitionName=scavenge Nodes=ALL PriorityTier=1 GraceTime=30 State=UP
"""
NODE = (
    "NodeName=n{number} NodeHostname={host} NodeAddr=127.0.0.{address} Port={port} CPUs={cpus} "
    "RealMemory=8000 Gres=gpu:fake:{gpus} State=UNKNOWN"
)


def missing() -> str:
    """Why a Slurm cannot be started here; empty where it can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if absent:
        return f"{', '.join(absent)} not installed; tests/clusters/install.sh does"
    return "" if os.getuid() == 0 else "only root can make the device files of its GPUs"


class Slurm:
    """Up from the beginning of a `with` to its end. `environ`: what its commands need."""

    def __init__(self, nodes: int = 2) -> None:
        self.names = [f"n{number}" for number in range(1, nodes + 1)]
        self.place = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.place.chmod(0o755)  # munged wants to know who can write there
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SLURM")},
            "SLURM_CONF": str(self.place / "slurm.conf"),
            "PATH": _path(),
        }
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self._write()
            self._start_munged()
            self._daemons["slurmctld"] = self._launch("slurmctld", "-D", "-c")
            for name in self.names:
                self.revive(name)
            self.wait_for_nodes(*self.names)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def told(self, *words: str) -> str:
        """What a command of Slurm's prints."""
        done = subprocess.run(
            words, env=self.environ, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.strip()

    def kill(self, name: str) -> None:
        """-9 for a node: its slurmd, its jobs' steps, and all that they have started."""
        self._daemons[name].kill()
        self._daemons[name].wait()
        for process in list(self._of(name)):
            with contextlib.suppress(psutil.NoSuchProcess):
                parent = process.parent()
                if parent is not None and parent.name() == "slurmstepd":
                    parent.kill()
                process.kill()

    def revive(self, name: str) -> None:
        """Start a node, or start it again."""
        self._daemons[name] = self._launch("slurmd", "-D", "-N", name)

    def wait_for_nodes(self, *names: str) -> None:
        """Until they are idle."""
        deadline = time.monotonic() + UP
        while True:
            with contextlib.suppress(subprocess.CalledProcessError):
                states = self.told("sinfo", "-h", "-N", "-p", "debug", "-o", "%N %T").split("\n")
                if {f"{name} idle" for name in names} <= set(states):
                    return
            assert time.monotonic() < deadline, f"not all nodes are up:\n{self.logged()}"
            time.sleep(0.1)

    def logged(self) -> str:
        """The ends of the daemons' logs."""
        return "\n".join(
            f"{log.name}: ...{log.read_text(errors='replace')[-1500:]}"
            for log in sorted(self.place.glob("*.log"))
        )

    def close(self) -> None:
        """Cancel every job, and end every process."""
        with contextlib.suppress(subprocess.SubprocessError, OSError):
            subprocess.run(["scancel", "-u", str(os.getuid())], env=self.environ, timeout=10)
            self._wait_for_steps()
        for name in reversed(self._daemons):
            daemon = self._daemons[name]
            daemon.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(5)
            daemon.kill()
            daemon.wait()
        for process in list(self._of(None)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        shutil.rmtree(self.place, ignore_errors=True)

    def _wait_for_steps(self) -> None:
        deadline = time.monotonic() + 10
        while self.told("squeue", "-h") and time.monotonic() < deadline:
            time.sleep(0.2)

    def _of(self, node: str | None) -> Iterator[psutil.Process]:
        """The processes that jobs of this Slurm have started, on one node or on all."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                environ = process.environ()
                ours = environ.get("SLURM_CONF") == self.environ["SLURM_CONF"]
                its = "SLURM_JOB_ID" in environ and node in (None, environ["SLURMD_NODENAME"])
                if ours and its:
                    yield process

    def _write(self) -> None:
        host = socket.gethostname().partition(".")[0]
        nodes = [
            NODE.format(
                number=number, host=host, address=10 + number, port=_free_port(),
                cpus=CPUS, gpus=GPUS,
            )
            for number, _ in enumerate(self.names, 1)
        ]  # fmt: skip
        conf = CONF.format(
            host=host, port=_free_port(), user=psutil.Process().username(), place=self.place,
            nodes="\n".join(nodes),
        )  # fmt: skip
        (self.place / "slurm.conf").write_text(conf)
        devices = f"{self.place}/gpu[0-{GPUS - 1}]"
        (self.place / "gres.conf").write_text(
            f"AutoDetect=off\nName=gpu Type=fake File={devices}\n"
        )
        (self.place / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        for number in range(GPUS):
            device = os.makedev(MAJOR, number)
            os.mknod(self.place / f"gpu{number}", stat.S_IFCHR | 0o600, device)

    def _start_munged(self) -> None:
        key = self.place / "munge.key"
        key.touch(mode=0o400)
        key.write_bytes(os.urandom(1024))
        options = (
            "--key-file=munge.key",
            "--socket=munge.socket",
            "--pid-file=munged.pid",
            "--log-file=munged.log",
            "--seed-file=munged.seed",
        )
        words = [option.replace("=", f"={self.place}/") for option in options]
        self._daemons["munged"] = self._launch("munged", "--foreground", *words)
        deadline = time.monotonic() + UP
        while not (self.place / "munge.socket").exists():
            assert time.monotonic() < deadline, f"munged is not up:\n{self.logged()}"
            time.sleep(0.05)

    def _launch(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.place / f"{words[0]}.log").open("ab") as log:
            return subprocess.Popen(
                words,
                cwd=self.place,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environ,
                start_new_session=True,
            )


def _path() -> str:
    """Debian has the daemons where users do not look."""
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
