"""start.sh: what cron and its like start, with the environment that a shell had in the evening.

Those have next to none of their own: no virtual environment, no CUDA, another PATH.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...search.secret import LOGIN, NAMES
from .schedule import Place, Schedule

KEPT = re.compile(
    r"(HOME|PATH|VIRTUAL_ENV|CONDA_PREFIX|LD_LIBRARY_PATH|LD_PRELOAD|PYTHONPATH|LANG|LC_\w+|TZ|TMPDIR"
    r"|(CUDA|NCCL|GLOO|HIP|ROCR|HSA|OMP|MKL|OPENBLAS|NUMEXPR|TORCH|PYTORCH|HF|TRANSFORMERS|WANDB"
    r"|RAY|NIGHTSWEEP|SLURM_CONF|KUBECONFIG|XDG_(STATE|CONFIG|CACHE|DATA|RUNTIME))(_\w+)?"
    r"|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|(https?|no|all)_proxy)",
)
PROXIES = re.compile(r"(HTTPS?|NO|ALL)_PROXY")
SCRIPT = """\
#!/bin/bash
# nightsweep {name}: {what} at {hours}, started by {using}.
# Written by nightsweep schedule; nightsweep unschedule {name} removes it.
# What a run prints goes to its folder, job/output.log; what is said before that, here.
exec >> {log} 2>&1
{exports}
{private}
cd {folder} || exit 2
{setup}# Goes on with the run that is not done, or begins a new one; never two nights at once.
exec {python} -P -m nightsweep tonight {name} --due
"""
PRIVATE = "if [ -r {file} ]; then . {file}; fi  # tokens: your own file"


@dataclass(frozen=True, slots=True)
class Environment:
    """What a script sets, and the names of what it does not: tokens, passwords."""

    values: dict[str, str] = field(default_factory=dict)
    secret: tuple[str, ...] = ()


def captured(environ: Mapping[str, str]) -> Environment:
    """What of the environment a night needs, but no secret."""
    kept = {
        name: value
        for name, value in sorted(environ.items())
        if (KEPT.fullmatch(name) or PROXIES.fullmatch(name)) and "\n" not in value
    }
    secret = tuple(name for name, value in kept.items() if _secret(name, value))
    return Environment({k: v for k, v in kept.items() if k not in secret}, secret)


def _secret(name: str, value: str) -> bool:
    """By its name, unless that is of a file; or by a login in an address."""
    named = NAMES.search(name) and not name.endswith(("_PATH", "_FILE"))
    proxy = name.lower().endswith("_proxy") and "@" in value  # its address may have no scheme
    return bool(named or proxy or LOGIN.search(value))


def private(environ: Mapping[str, str]) -> Path:
    """The user's own file for secrets, which every start.sh reads if it is there."""
    config = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or "~").expanduser() / (
        ".config"
    )
    return Path(config) / "nightsweep" / "environment"


def script(
    schedule: Schedule,
    place: Place,
    environ: Mapping[str, str],
    setup: Sequence[str] = (),
    python: str = sys.executable,
) -> str:
    """The text of start.sh. `setup`: shell lines that the sweep file asks for on this machine."""
    exports = captured(environ).values
    return SCRIPT.format(
        name=place.path.name,
        what=schedule.file.name,
        hours=schedule.hours,
        using=schedule.using,
        log=shlex.quote(str(place.log)),
        exports="\n".join(
            f"export {name}={shlex.quote(value)}" for name, value in exports.items()
        ),
        private=PRIVATE.format(file=shlex.quote(str(private(environ)))),
        folder=shlex.quote(str(schedule.folder)),
        setup="".join(f"{line}\n" for line in setup),
        python=shlex.quote(python),
    )
