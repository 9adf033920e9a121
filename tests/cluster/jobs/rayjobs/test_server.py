"""The jobs server's HTTP API, against a small server that answers as Ray's does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.jobs.rayjobs.server import (
    JobsServer,
    NoJobError,
    NotReadyError,
    TakenError,
    server,
)
from nightsweep.search.errors import ClusterDownError, NightsweepError

Answer = tuple[int, bytes]
TOKEN = "0123abcd"


class Ray:
    """What was asked, and what is answered: to `POST /api/jobs/` and its like, or 404."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    @contextmanager
    def listening(self) -> Iterator[str]:
        ray = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                ray.asked.append((self.command, self.path, dict(self.headers), body))
                code, data = ray.answers.get(self.command, (404, b"404: Not Found"))
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

            def log_message(self, *args: Any) -> None:
                pass

        listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=lambda: listener.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.server_port}"
        finally:
            listener.shutdown()
            thread.join()
            listener.server_close()


def said(values: object) -> Answer:
    return 200, json.dumps(values).encode()


def test_a_job_is_posted_with_the_token() -> None:
    ray = Ray(POST=said({"submission_id": "digits-1"}))
    with ray.listening() as address:
        there = JobsServer(address, token=TOKEN)
        assert there.submit({"entrypoint": "true"}) == "digits-1"
    [(method, path, headers, body)] = ray.asked
    assert (method, path) == ("POST", "/api/jobs/")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(body) == {"entrypoint": "true"}


def test_without_a_token_none_is_shown() -> None:
    ray = Ray(GET=said({"ray_version": "2.60.0"}))
    with ray.listening() as address:
        assert JobsServer(address).version() == "2.60.0"
    assert "Authorization" not in ray.asked[0][2]


def test_a_package_that_is_missing_is_told_from_one_that_is_there() -> None:
    missing = Ray(GET=(404, b"Package gcs://_ray_pkg_1.zip does not exist"))
    with missing.listening() as address:
        assert not JobsServer(address).has("_ray_pkg_1.zip")
    with Ray(GET=(200, b"")).listening() as address:
        assert JobsServer(address).has("_ray_pkg_1.zip")


def test_a_package_is_put_as_it_is() -> None:
    ray = Ray(PUT=(200, b""))
    with ray.listening() as address:
        JobsServer(address).put("_ray_pkg_1.zip", b"PK\x00\xff")
    assert ray.asked[0][1] == "/api/packages/gcs/_ray_pkg_1.zip"
    assert ray.asked[0][3] == b"PK\x00\xff"


def asked_of(answer: Answer, token: str = "", source: str = "") -> NightsweepError:
    """The error when `info` is asked of a server that answers so."""
    ray = Ray(GET=answer, POST=answer)
    with ray.listening() as address, pytest.raises(NightsweepError) as raised:
        JobsServer(address, token=token, source=source).info("digits-1")
    return raised.value


def test_a_server_that_wants_a_token_is_said_to() -> None:
    error = asked_of((401, b"Unauthorized: Missing authentication token"))
    assert "wants its token, and there is none here" in str(error)
    assert "RAY_AUTH_TOKEN_PATH=" in str(error)


def test_a_token_that_is_refused_is_named_by_where_it_is_from_and_never_shown() -> None:
    refusal = (403, b"Forbidden: Invalid authentication token")
    error = asked_of(refusal, token=TOKEN, source="/home/me/token")
    assert "refuses the token of /home/me/token" in str(error)
    assert TOKEN not in str(error)
    assert TOKEN not in repr(JobsServer("http://x", token=TOKEN))


def test_a_job_that_is_not_known_is_an_error_of_its_own() -> None:
    assert isinstance(asked_of((404, b"Job digits-1 does not exist")), NoJobError)


def test_an_id_that_is_taken_is_an_error_of_its_own() -> None:
    words = b"Traceback ...\nValueError: Job with submission_id digits-1 already exists. Please\n."
    with Ray(POST=(500, words)).listening() as address, pytest.raises(TakenError):
        JobsServer(address).submit({})


def test_a_head_that_has_just_been_started_is_not_ready() -> None:
    words = b"No available agent to submit job, please try again later."
    with Ray(POST=(500, words)).listening() as address, pytest.raises(NotReadyError):
        JobsServer(address).submit({})


@pytest.mark.parametrize("answer", [(404, b"404: Not Found"), (200, b"<html>"), (200, b"[]")])
def test_what_is_no_jobs_server_is_said_not_to_be(answer: Answer) -> None:
    assert "answers, but is no Ray jobs server" in str(asked_of(answer))


def test_another_refusal_is_quoted_by_its_last_line_of_words() -> None:
    error = asked_of((500, b"Traceback\nRuntimeError: no agent is there\n."))
    assert "500" in str(error)
    assert "no agent is there" in str(error)
    assert "Traceback" not in str(error)


def test_a_redirection_is_not_followed_with_the_token() -> None:
    assert "302" in str(asked_of((302, b""), token=TOKEN))


def test_nobody_there_is_a_cluster_that_is_down() -> None:
    with Ray().listening() as address:
        pass
    with pytest.raises(ClusterDownError, match="no Ray jobs server answers at"):
        JobsServer(address).version()


def test_the_sweep_file_goes_before_the_environment() -> None:
    environ = {"RAY_API_SERVER_ADDRESS": "http://other:1", "RAY_AUTH_MODE": "disabled"}
    assert server("http://head:8265/", environ).address == "http://head:8265"
    assert server(None, environ).address == "http://other:1"


def test_an_address_without_its_scheme_is_http() -> None:
    assert server("head:8265", {"RAY_AUTH_MODE": "disabled"}).address == "http://head:8265"


def test_without_an_address_it_is_asked_for() -> None:
    with pytest.raises(NightsweepError, match=r"which Ray cluster\? Write submit: \{ray:"):
        server(None, {})


def test_the_address_of_the_cluster_itself_is_not_taken_for_the_jobs_servers() -> None:
    with pytest.raises(NightsweepError, match=r"RAY_ADDRESS is 10\.0\.0\.1:6379, which is not"):
        server(None, {"RAY_ADDRESS": "10.0.0.1:6379"})


@pytest.mark.parametrize("address", ["ray://head:10001", "http://", "http://[::1", "http://a b"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(NightsweepError, match="is not the address of a Ray jobs server"):
        server(address, {"RAY_AUTH_MODE": "disabled"}).version()


def test_the_token_is_looked_for_where_ray_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("home\n")
    (tmp_path / "mine").write_text("file\n")
    named = {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "mine")}
    assert server("head:1", named | {"RAY_AUTH_TOKEN": "given"}).token == "given"
    assert server("head:1", named).token == "file"
    assert server("head:1", {}).token == "home"
    assert server("head:1", {"RAY_AUTH_MODE": "disabled"}).token == ""


def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NightsweepError, match=r"RAY_AUTH_TOKEN_PATH names .*gone.*No such file"):
        server("head:1", {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "gone")})
