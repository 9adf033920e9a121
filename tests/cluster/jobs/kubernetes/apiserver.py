"""Enough of Kubernetes' API for a real kubectl: discovery, and objects that are kept as they come.

Nothing behind it: no defaults, no schema, no controllers, no pods.
"""

from __future__ import annotations

import http.server
import json
import threading
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import yaml

KINDS = {
    "/api/v1": {
        "configmaps": "ConfigMap",
        "persistentvolumeclaims": "PersistentVolumeClaim",
        "pods": "Pod",
        "serviceaccounts": "ServiceAccount",
    },
    "/apis/batch/v1": {"cronjobs": "CronJob", "jobs": "Job"},
    "/apis/ray.io/v1": {"rayjobs": "RayJob"},
    "/apis/rbac.authorization.k8s.io/v1": {"rolebindings": "RoleBinding", "roles": "Role"},
}
CONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: lab, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
contexts: [{{name: lab, context: {{cluster: lab, user: ann}}}}]
users: [{{name: ann, user: {{}}}}]
current-context: lab
"""


class ApiServer:
    """The server; `objects` by their paths. `configure` writes what kubectl needs."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {"/api/v1/namespaces/research": {}}
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.objects))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def configure(self, file: Path) -> None:
        """Write kubectl's configuration."""
        file.write_text(CONFIG.format(port=self._server.server_address[1]))

    def named(self, kind: str) -> list[dict[str, Any]]:
        """The objects of a kind, as rayjobs."""
        return [made for path, made in self.objects.items() if path.split("/")[-2] == kind]


def _handler(objects: dict[str, dict[str, Any]]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            found = _discovered(path) or objects.get(path)
            place, _, last = path.rpartition("/")
            if found is None and any(last in kinds for kinds in KINDS.values()):
                items = [made for at, made in objects.items() if at.startswith(f"{path}/")]
                found = {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items}
            self._answer(found, f'{place.rpartition("/")[2]} "{last}" not found')

        def do_PATCH(self) -> None:
            url, given = urlsplit(self.path), yaml.safe_load(self._body())
            if "merge-patch" in self.headers["Content-Type"]:
                given = _merged(objects[url.path], given)
            given["metadata"].setdefault("namespace", url.path.split("/")[-3])
            if "dryRun" not in parse_qs(url.query):
                objects[url.path] = given
            self._answer(given)

        def do_DELETE(self) -> None:
            self._body()
            self._answer(objects.pop(urlsplit(self.path).path, None), "gone already")

        def _body(self) -> str:
            return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

        def _answer(self, made: dict[str, Any] | None, missing: str = "") -> None:
            refused = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}
            refused |= {"reason": "NotFound", "message": missing}
            text = json.dumps(refused if made is None else made).encode()
            self.send_response(404 if made is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    parts = {k: _merged(old.get(k, {}), v) if isinstance(v, dict) else v for k, v in new.items()}
    return old | parts


def _discovered(path: str) -> dict[str, Any] | None:
    """Which kinds there are, in the four ways that kubectl asks."""
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [place.removeprefix("/apis/") for place in KINDS if place != "/api/v1"]
        versions = [{"groupVersion": group, "version": "v1"} for group in groups]
        listed = [
            {"name": each["groupVersion"][:-3], "versions": [each], "preferredVersion": each}
            for each in versions
        ]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
    if path == "/openapi/v3":
        return {"paths": {p[1:]: {"serverRelativeURL": f"/openapi/v3{p}"} for p in KINDS}}
    if path.removeprefix("/openapi/v3") in KINDS and path.startswith("/openapi"):
        return _parameters(path.removeprefix("/openapi/v3"))
    if path not in KINDS:
        return None
    verbs = ["create", "delete", "get", "list", "patch"]
    resources = [
        {"name": n, "singularName": k.lower(), "namespaced": True, "kind": k, "verbs": verbs}
        for n, k in KINDS[path].items()
    ]
    version = path.removeprefix("/apis/").removeprefix("/api/")
    return {"kind": "APIResourceList", "groupVersion": version, "resources": resources}


def _parameters(place: str) -> dict[str, Any]:
    """That objects can be tried, and that their fields are validated here."""
    parameters = [{"name": name, "in": "query"} for name in ("dryRun", "fieldValidation")]
    group = place.split("/")[2] if place.startswith("/apis") else ""
    paths = {}
    for name, kind in KINDS[place].items():
        which = {"group": group, "version": "v1", "kind": kind}
        patch = {"parameters": parameters, "x-kubernetes-group-version-kind": which}
        paths[f"{place}/namespaces/{{namespace}}/{name}/{{name}}"] = {"patch": patch}
    return {"openapi": "3.0.0", "info": {"title": "lab", "version": "1"}, "paths": paths}
