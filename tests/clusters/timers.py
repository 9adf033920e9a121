"""A real cron and a real user manager of systemd, in mount namespaces of their own.

The crontabs and unit files of this machine's users are never touched: inside the namespace they
lie on file systems in memory, which go with its last process. It needs root.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

import psutil

UP = 20.0  # seconds
# What is mounted over: the spool, the system's own jobs, and the pid files.
CRON = """\
set -e
mount -t tmpfs tmpfs /var/spool/cron
mkdir -m 1730 /var/spool/cron/crontabs
mount -t tmpfs tmpfs /etc/cron.d
mount --bind /dev/null /etc/crontab
mount -t tmpfs tmpfs /run
touch /run/apart
exec cron -f
"""
SYSTEMD = """\
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
touch /run/apart
/lib/systemd/systemd --user && exit  # no process 1: that would be the system's
"""


class Namespace:
    """A daemon in a mount namespace of its own, from the beginning of a `with` to its end."""

    def __init__(self, script: str, ready: str, *apart: str, **environ: str) -> None:
        """`ready`: a file that it makes when it is up. `apart`: more that unshare is to part."""
        self.environ = {**os.environ, **environ}
        self.environ["PATH"] += ":/usr/sbin:/sbin"  # Debian has daemons where users do not look
        self._ready = ready
        self._command = [
            "unshare", "--mount", "--propagation=private", *apart, "sh", "-c", script,
        ]  # fmt: skip

    def __enter__(self) -> Self:
        self._outer = psutil.Popen(
            self._command,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + UP
        while not all(self._there(path) for path in ("/run/apart", self._ready)):
            assert self._outer.poll() is None, "the daemon has ended"
            assert time.monotonic() < deadline, "the daemon is not up"
            time.sleep(0.05)
        return self

    def __exit__(self, *error: object) -> None:
        for process in [*self._outer.children(recursive=True), self._outer]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._outer.wait()

    def run(self, folder: Path, *words: str) -> str:
        """What a command prints inside, in a folder."""
        inside = ["nsenter", f"--target={self._pid}", "--mount", "--pid", f"--wdns={folder}"]
        done = subprocess.run(
            [*inside, *words], env=self.environ, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _there(self, path: str) -> bool:
        """Whether a file is there, as the daemon sees it."""
        return Path(f"/proc/{self._pid}/root{path}").exists()

    @property
    def _pid(self) -> int:
        """Of the daemon: the first process of its namespaces."""
        children = self._outer.children()
        return children[0].pid if "--fork" in self._command and children else self._outer.pid


def cron(**environ: str) -> Namespace:
    """Cron, with no crontab in its spool."""
    return Namespace(CRON, "/run/crond.pid", **environ)


def systemd(**environ: str) -> Namespace:
    """A user manager of systemd, with what it takes for a session of this user."""
    session = f"/run/user/{os.getuid()}"
    return Namespace(
        SYSTEMD,
        f"{session}/systemd/private",
        "--pid",
        "--fork",
        "--mount-proc",
        "--kill-child",
        XDG_RUNTIME_DIR=session,
        DBUS_SESSION_BUS_ADDRESS=f"unix:path={session}/bus",
        **environ,
    )


def missing(*programs: str) -> str:
    """Why they cannot be started here; empty where they can."""
    absent = [name for name in (*programs, "unshare", "nsenter") if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} not installed; tests/clusters/install.sh does"
    if os.getuid() != 0:
        return "only root has mount namespaces of its own"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True)
    return "this container allows no mount namespaces" if tried.returncode else ""
