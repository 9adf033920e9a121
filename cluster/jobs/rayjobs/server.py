"""A Ray cluster's jobs server, through its HTTP API.

Ray's own client needs ray[default] here, prefers RAY_ADDRESS to the address it is given, and has
no time limits; this one asks for as little as a sweep's job needs. The API is the one of `ray job
submit`: docs.ray.io, "Ray Jobs REST API".
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from ....search.brief import brief
from ....search.errors import ClusterDownError, NightsweepError

LIMIT = 20.0  # seconds for an answer
SLOW = 180.0  # for one with files, or a log, in it
SERVER, CLUSTER = "RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"
MODE, TOKEN, PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
BYTES = "application/octet-stream"
WHERE = "submit: {ray: {address: http://head:8265}}"
HOME = Path("~/.ray/auth_token")


class NoJobError(NightsweepError):
    """The server does not know that job."""


class TakenError(NightsweepError):
    """The server has a job of that id already."""


class NotReadyError(ClusterDownError):
    """The server is up, and what it needs is not: a head that has just been started."""


class JobsServer:
    """At `address`; `token`: what it wants to be shown, from `source`.

    Errors of every method: ClusterDownError where nobody answers, NightsweepError otherwise.
    """

    def __init__(self, address: str, *, token: str = "", source: str = "") -> None:
        self.address = address
        self.token = token
        self.source = source

    def version(self) -> str:
        """The version of its Ray, without a `.dev` behind it."""
        return str(self._values("GET", "/api/version").get("ray_version", ""))

    def submit(self, request: Mapping[str, Any]) -> str:
        """Begin a job; its id. Errors: TakenError, NotReadyError too."""
        return str(
            self._values("POST", "/api/jobs/", json.dumps(request).encode())["submission_id"]
        )

    def info(self, id: str) -> dict[str, Any]:
        """What it knows of a job. Errors: NoJobError too."""
        return self._values("GET", f"/api/jobs/{id}")

    def logs(self, id: str) -> str:
        """All that a job has printed. Errors: NoJobError too."""
        return str(self._values("GET", f"/api/jobs/{id}/logs", limit=SLOW)["logs"])

    def stop(self, id: str) -> None:
        """Tell a job to stop."""
        self._ask("POST", f"/api/jobs/{id}/stop")

    def forget(self, id: str) -> None:
        """Forget a job that has ended."""
        self._ask("DELETE", f"/api/jobs/{id}")

    def has(self, package: str) -> bool:
        """Whether a package (`_ray_pkg_....zip`) is there; it is kept for ten minutes then."""
        try:
            self._ask("GET", f"/api/packages/gcs/{package}")
        except NoJobError:
            return False
        return True

    def put(self, package: str, data: bytes) -> None:
        """Upload a package."""
        self._ask("PUT", f"/api/packages/gcs/{package}", data, limit=SLOW)

    def _values(
        self, method: str, path: str, body: bytes | None = None, limit: float = LIMIT
    ) -> dict[str, Any]:
        try:
            values = json.loads(self._ask(method, path, body, limit))
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise self._another()
        return values

    def _ask(
        self, method: str, path: str, body: bytes | None = None, limit: float = LIMIT
    ) -> bytes:
        try:
            request = urllib.request.Request(self.address + path, data=body, method=method)
            request.add_header("Content-Type", "application/json" if method == "POST" else BYTES)
            if self.token:
                request.add_header("Authorization", f"Bearer {self.token}")
            with _opener().open(request, timeout=limit) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(20_000).decode("utf-8", "replace")
            raise self._refused(error.code, path, said) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            why = getattr(reason, "strerror", None) or reason
            raise ClusterDownError(
                f"no Ray jobs server answers at {self.address} ({why}); is that its address, and "
                "does the head run with its dashboard (pip install 'ray[default]' there)?"
            ) from None
        except ValueError:
            raise _no_address(self.address) from None

    def _refused(self, code: int, path: str, said: str) -> NightsweepError:
        last = ([line for line in said.splitlines() if " " in line.strip()] or [""])[-1].strip()
        if code == 401 or (code == 403 and not self.token):
            return NightsweepError(
                f"the Ray cluster at {self.address} wants its token, and there is none here: name "
                f"the file that holds it, export {PATH}=..."
            )
        if code == 403:
            return NightsweepError(
                f"the Ray cluster at {self.address} refuses the token of {self.source}; take the "
                "one that its head was started with"
            )
        if "try again later" in said:
            return NotReadyError(f"the Ray jobs server at {self.address} is not ready: {last}")
        if "already exists" in said:
            return TakenError(last)
        if code == 404 and ("does not exist" in said):
            return NoJobError(last)
        if code == 404:
            return self._another()
        return NightsweepError(
            f"the Ray jobs server at {self.address} refuses {path}: {code}, "
            f"{brief(last) if last else 'without a word'}"
        )

    def _another(self) -> NightsweepError:
        return NightsweepError(
            f"{self.address} answers, but is no Ray jobs server; its port is 8265 as a rule "
            "(Ray's own, 6379, is another)"
        )


class _Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: the token is for this server alone."""

    def redirect_request(self, *args: Any) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    """A proxy for http would be shown the token; through one for https it goes unread."""
    proxies = {name: at for name, at in urllib.request.getproxies().items() if name == "https"}
    return urllib.request.build_opener(_Stay, urllib.request.ProxyHandler(proxies))


def server(given: str | None, environ: Mapping[str, str] = os.environ) -> JobsServer:
    """The one that the sweep file, or the environment, names. Errors: NightsweepError.

    RAY_ADDRESS is taken where it is an http address; `ray job submit` does so too.
    """
    other = environ.get(CLUSTER, "")
    address = given or environ.get(SERVER) or (other if other.startswith("http") else "")
    if not address:
        but = f" ({CLUSTER} is {other}, which is not that of a jobs server)" if other else ""
        raise NightsweepError(
            f"which Ray cluster? Write {WHERE} in the sweep file, or --set "
            f"address=http://head:8265, or set {SERVER}{but}"
        )
    scheme, _, rest = address.rpartition("://")
    if scheme not in ("", "http", "https") or not rest.strip("/") or re.search(r"\s", rest):
        raise _no_address(address)
    token, source = _token(environ)
    where = f"{scheme or 'http'}://{rest.rstrip('/')}"
    return JobsServer(where, token=token, source=source)


def _token(environ: Mapping[str, str]) -> tuple[str, str]:
    """The token, and where it is from; as Ray looks for it. Errors: NightsweepError."""
    if environ.get(MODE, "token").lower() != "token":
        return "", ""
    if token := environ.get(TOKEN, "").strip():
        return token, TOKEN
    named = environ.get(PATH)
    path = Path(named) if named else HOME.expanduser()
    try:
        return path.read_text(encoding="utf-8").strip(), str(path)
    except (OSError, UnicodeDecodeError) as error:
        if named:
            why = getattr(error, "strerror", None) or "it is no text"
            raise NightsweepError(f"{PATH} names {named}, which cannot be read: {why}") from None
        return "", ""


def _no_address(address: str) -> NightsweepError:
    return NightsweepError(f"{address} is not the address of a Ray jobs server; write {WHERE}")
