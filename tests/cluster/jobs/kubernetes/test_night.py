"""What the pod of a CronJob does; the API server is the tests' own."""

from __future__ import annotations

import http.server
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nightsweep.cluster.jobs.kubernetes.manifest import dump, ray_job
from nightsweep.cluster.jobs.kubernetes.night import Account, begin
from nightsweep.search.errors import NightsweepError

from .kube import job

PLACE = "/apis/ray.io/v1/namespaces/research/rayjobs"


class Fake:
    """RayJobs in memory; a deleted one is gone after it was looked for twice."""

    def __init__(self, deployed: str | None = None, suspended: str = "") -> None:
        metadata = {"annotations": {"nightsweep/stopped": suspended}}
        status = {"jobDeploymentStatus": deployed, "jobStatus": "RUNNING"}
        self.known = {"metadata": metadata, "status": status} if deployed is not None else None
        self.asked: list[str] = []
        self.going = 2

    def ask(self, method: str, path: str, body: str = "") -> dict[str, Any] | None:
        self.asked.append(method)
        assert path.startswith(PLACE)
        if method == "POST":
            assert self.known is None, "its name is taken"
            self.known = yaml.safe_load(body)
        elif "DELETE" in self.asked:
            self.going -= method == "GET"
            self.known = self.known if self.going else None
        return self.known


def night(api: Fake, folder: Path) -> str:
    return begin(api, dump(ray_job(job(folder))), "elsewhere", sleep=lambda seconds: None)


def test_the_first_night_begins(tmp_path: Path) -> None:
    api = Fake()
    assert night(api, tmp_path).endswith(" begins")
    assert api.known == ray_job(job(tmp_path))


@pytest.mark.parametrize(
    ("deployed", "stopped"), [("Failed", ""), ("Complete", ""), ("Suspended", "true")]
)
def test_a_night_that_has_ended_gives_way_to_the_next(
    tmp_path: Path, deployed: str, stopped: str
) -> None:
    api = Fake(deployed, stopped)
    assert night(api, tmp_path).endswith("goes on where it was")
    assert api.asked == ["GET", "DELETE", "GET", "GET", "POST"]


@pytest.mark.parametrize("deployed", ["Running", "Initializing", "Retrying", "Suspended"])
def test_a_night_that_is_at_work_is_left_alone(tmp_path: Path, deployed: str) -> None:
    api = Fake(deployed)
    assert "still at work" in night(api, tmp_path)
    assert api.asked == ["GET"]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str], list[tuple[str, ...]]]]:
    """A service account's folder, its environment, and what the API server was asked."""
    if shutil.which("openssl") is None:
        pytest.skip("without openssl there is no certificate for an API server")
    key, certificate = tmp_path / "key", tmp_path / "ca.crt"
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    files = ["-nodes", "-keyout", str(key), "-out", str(certificate), "-subj", "/CN=api"]
    subprocess.run(
        [*new, *files, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True
    )
    asked: list[tuple[str, ...]] = []
    server = http.server.HTTPServer(("127.0.0.1", 0), _handler(asked))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    (tmp_path / "namespace").write_text("research")
    (tmp_path / "token").write_text("hunter22\n")
    port = str(server.server_address[1])
    yield (
        tmp_path,
        {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port},
        asked,
    )
    server.shutdown()
    server.server_close()
    thread.join()


def _handler(asked: list[tuple[str, ...]]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(404, {"message": "not found"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            said = {"message": 'rayjobs.ray.io is forbidden: User "x" cannot create'}
            self._answer(403 if "refuse" in body else 201, said, body)

        def _answer(self, code: int, said: dict[str, str], body: str = "") -> None:
            headers = [self.headers.get(name, "") for name in ("Authorization", "Content-Type")]
            asked.append((self.command, self.path, *headers, body))
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def test_the_account_shows_its_token_and_sends_the_manifest_as_it_is(
    account: tuple[Path, dict[str, str], list[tuple[str, ...]]],
) -> None:
    folder, environ, asked = account
    api = Account(folder, environ)
    assert begin(api, "metadata: {name: digits}\n", api.namespace) == "digits begins"
    assert asked == [
        ("GET", f"{PLACE}/digits", "Bearer hunter22", "", ""),
        ("POST", PLACE, "Bearer hunter22", "application/yaml", "metadata: {name: digits}\n"),
    ]


def test_what_the_account_may_not_is_said_in_kubernetes_words(
    account: tuple[Path, dict[str, str], list[tuple[str, ...]]],
) -> None:
    folder, environ, _ = account
    with pytest.raises(NightsweepError, match=r"refuses POST .*: rayjobs.ray.io is forbidden"):
        Account(folder, environ).ask("POST", PLACE, "refuse")


def test_outside_of_kubernetes_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NightsweepError, match="no pod of Kubernetes"):
        Account(tmp_path, {})
