"""Begins a night in Kubernetes: what the pod of a CronJob runs, with the account it was given.

`python -m nightsweep.cluster.jobs.kubernetes.night MANIFEST` makes the RayJob of that file, unless
the one of the night before is still at work. One that has ended gives way: its name and its run
folder are taken up again.
"""

from __future__ import annotations

import json
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from os import environ
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import yaml

from ....search.errors import NightsweepError
from ..site import ALIVE
from .status import standing

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # as Kubernetes mounts it
PATIENCE = 30.0  # seconds for an answer
LOOKS = 120  # a second each, for an old RayJob to go


class Api(Protocol):
    """The part of Kubernetes' API that a night needs; paths from the root."""

    def ask(self, method: str, path: str, body: str = "") -> dict[str, Any] | None:
        """What it answers; None where there is no such object. Errors: NightsweepError."""


class Account:
    """The API server, asked as the service account of this pod."""

    def __init__(self, folder: Path = ACCOUNT, environ: Mapping[str, str] = environ) -> None:
        try:
            self.namespace = (folder / "namespace").read_text().strip()
            self._token = (folder / "token").read_text().strip()
            host, port = environ["KUBERNETES_SERVICE_HOST"], environ["KUBERNETES_SERVICE_PORT"]
        except (OSError, KeyError) as error:
            raise NightsweepError(
                f"this is no pod of Kubernetes with a service account: {error}"
            ) from None
        self._server = f"https://{f'[{host}]' if ':' in host else host}:{port}"
        certificate = folder / "ca.crt"
        self._trust = ssl.create_default_context(
            cafile=str(certificate) if certificate.exists() else None
        )

    def ask(self, method: str, path: str, body: str = "") -> dict[str, Any] | None:
        """One request; its body is YAML."""
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        headers |= {"Content-Type": "application/yaml"} if body else {}
        request = Request(self._server + path, body.encode() or None, headers, method=method)
        try:
            with urlopen(request, timeout=PATIENCE, context=self._trust) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except HTTPError as error:
            if error.code == 404:
                return None
            said = error.read(2000).decode(errors="replace")
            raise NightsweepError(
                f"Kubernetes refuses {method} {path}: {_message(said)}"
            ) from None
        except (URLError, TimeoutError) as error:
            raise NightsweepError(
                f"Kubernetes does not answer at {self._server}: {error}"
            ) from None


def begin(
    api: Api, manifest: str, namespace: str, sleep: Callable[[float], None] = time.sleep
) -> str:
    """Make the RayJob, if none of its name is at work; what was done, in words."""
    metadata = yaml.safe_load(manifest)["metadata"]
    place = f"/apis/ray.io/v1/namespaces/{metadata.get('namespace', namespace)}/rayjobs"
    name = metadata["name"]
    before = api.ask("GET", f"{place}/{name}")
    if before is not None and (now := standing(before)).state in ALIVE:
        return f"{name} of the last night is still at work ({now}); it is left alone"
    if before is not None:
        api.ask("DELETE", f"{place}/{name}")
        for _ in range(LOOKS):
            if api.ask("GET", f"{place}/{name}") is None:
                break
            sleep(1)
    if api.ask("POST", place, manifest) is None:
        raise NightsweepError("this cluster has no KubeRay: it knows no RayJobs")
    return f"{name} begins; it goes on where it was" if before else f"{name} begins"


def _message(said: str) -> str:
    try:
        return str(json.loads(said)["message"])
    except (ValueError, KeyError, TypeError):
        return said.strip()[:200]


def main() -> None:
    """Begin the night of the manifest that the command line names."""
    try:
        account = Account()
        print(begin(account, Path(sys.argv[1]).read_text(encoding="utf-8"), account.namespace))
    except NightsweepError as error:
        sys.exit(f"nightsweep: {error}")


if __name__ == "__main__":
    main()
