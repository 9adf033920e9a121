"""The shell scripts that a job's pods run in Kubernetes; its ConfigMap carries them."""

from __future__ import annotations

import shlex

from ....search.sites import Kubernetes
from ..site import Job

PLACE = "/nightsweep"  # where the ConfigMap is mounted
SAVED_WITHIN = 30  # seconds; a driver that is told to stop takes 20 at most

START = """\
#!/bin/bash
# Begins the sweep, or goes on with it: on the head, as the job of this Ray cluster.
run={run}
cd {folder} || exit 2
{setup}begin() {{
    {command} &
    driver=$!
    echo "$driver" > /tmp/nightsweep.pid
    while told=; wait "$driver"; code=$?; [ "$told" ]; do :; done
}}
trap 'told=1; touch /tmp/nightsweep.told; kill -TERM "$driver" 2>/dev/null' TERM INT
begin
for _ in 1 2 3; do  # 2: refused, perhaps since a pod that is going still writes there
    [ "$code" = 2 ] && sleep 20 && begin
done
case $code in
1)  # done without a finite value; or Python's own, after a crash
    tail -n 1 "$run/journal.jsonl" | grep -q '"done":true' && exit 0 ;;
2 | 75 | 130)  # refused, or stopped: it does not come back, unless its pod had to go
    if [ ! -e /tmp/nightsweep.leaving ]; then
        ray job stop --no-wait --address http://127.0.0.1:8265 {name}
        sleep 60
    fi ;;
esac
exit "$code"
"""

STOP = f"""\
#!/bin/bash
# Kubernetes takes the head's pod away: the driver saves what trains first, and ends.
touch /tmp/nightsweep.leaving
driver=$(cat /tmp/nightsweep.pid 2>/dev/null) || exit 0
[ -e /tmp/nightsweep.told ] || kill -TERM "$driver" 2>/dev/null
for _ in {{1..{SAVED_WITHIN}}}; do
    kill -0 "$driver" 2>/dev/null || exit 0
    sleep 1
done
"""

LEAVE = f"""\
#!/bin/bash
# Kubernetes takes a worker's pod away: what trains here has time to be saved.
for _ in {{1..{SAVED_WITHIN}}}; do
    grep -qsa '^ray::[^I]' /proc/[0-9]*/cmdline || exit 0  # but for ray::IDLE
    sleep 1
done
"""


def scripts(job: Job, asked: Kubernetes, name: str, run: str) -> dict[str, str]:
    """The scripts by their file names. `run`: the run folder in the containers."""
    words = ["python", "-P", "-m", "nightsweep", "run", job.file.name, "--out", run]
    words += ["--resume", "--keep-going", "--address", "auto", *job.words]
    start = START.format(
        run=shlex.quote(run),
        folder=shlex.quote(asked.folder),
        setup="".join(f"{line}\n" for line in asked.setup),
        command=shlex.join(words),
        name=name,
    )
    return {"start.sh": start, "stop.sh": STOP, "leave.sh": LEAVE}
