"""Asks a Kubernetes cluster through kubectl, within time limits; its refusals in our words.

A cluster that does not answer is a ClusterDownError: another try may find it well.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ....search.errors import ClusterDownError, NightsweepError

PATIENCE = 30.0  # seconds for an answer
LONG = 600.0  # for what has to wait for pods, or brings files
AWAY = (
    "connection refused",
    "was refused - did",
    "no such host",
    "i/o timeout",
    "no route to host",
)


class NotThereError(NightsweepError):
    """The cluster does not know what was asked for."""


class NoKubectlError(NightsweepError):
    """This machine has no kubectl."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """One context and namespace; where they are empty, those that kubectl takes by itself."""

    context: str = ""
    namespace: str = ""

    def ask(self, *words: str, send: str = "", patience: float = PATIENCE) -> str:
        """What one command prints, given `send`. Errors: NightsweepError, in words."""
        try:
            told = subprocess.run(
                self._command(words),
                input=send,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=patience,
            )
        except FileNotFoundError:
            raise _missing() from None
        except subprocess.TimeoutExpired:
            raise ClusterDownError(
                f"kubectl {words[0]} has not answered for {patience:.0f} s; is the cluster "
                "up? kubectl cluster-info"
            ) from None
        if told.returncode:
            raise refused(words, told.stderr)
        return told.stdout

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """An object; None where there is none of that name."""
        try:
            text = self.ask("get", kind, name, "--output", "json")
        except NotThereError:
            return None
        return _object(text)

    def labelled(self, kind: str, selector: str) -> list[dict[str, Any]]:
        """The objects that have these labels."""
        text = self.ask("get", kind, "--selector", selector, "--output", "json")
        found: list[dict[str, Any]] = _object(text).get("items", [])
        return found

    def follow(self, *words: str) -> Iterator[str]:
        """The lines of a command as they come, to its end, however that is."""
        try:
            process = subprocess.Popen(
                self._command(words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        except FileNotFoundError:
            raise _missing() from None
        with process:
            try:
                for line in process.stdout or ():
                    yield line.rstrip("\r\n")
            finally:
                process.terminate()

    def _command(self, words: tuple[str, ...]) -> list[str]:
        context = [f"--context={self.context}"] if self.context else []
        namespace = [f"--namespace={self.namespace}"] if self.namespace else []
        return ["kubectl", *context, *namespace, *words]


def current_context() -> str:
    """The context that kubectl takes by itself; empty in a pod, which has none."""
    try:
        return Kubectl().ask("config", "current-context").strip()
    except NoKubectlError:
        raise
    except NightsweepError:
        return ""


def refused(words: tuple[str, ...], said: str) -> NightsweepError:
    """An error of kubectl's in our words."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    # Some lines before the last may be warnings, and the log of what kubectl tried.
    line = next((line for line in lines if line.startswith(("Error", "error", "The "))), "")
    line = line or (lines[-1] if lines else "it has said nothing")
    text = line.removeprefix("error: ").removeprefix("Error from server ")
    if "(NotFound)" in line and "namespaces" not in line:
        return NotThereError(text)
    if "the server doesn't have a resource type" in line or "no matches for kind" in line:
        return NightsweepError(
            f"this cluster has no KubeRay ({text}); its operator, v1.5.1 or later, has to be "
            "installed by an administrator"
        )
    if "authOptions" in line:
        return NightsweepError(
            f"this cluster's KubeRay is older than v1.5.1, and knows no tokens ({text}); it has "
            "to be updated"
        )
    if any(word in said for word in AWAY):
        return ClusterDownError(
            f"no Kubernetes cluster answers ({text}); try kubectl cluster-info"
        )
    return NightsweepError(f"kubectl {words[0]} was refused: {text}")


def _missing() -> NoKubectlError:
    return NoKubectlError(
        "there is no kubectl on this machine; --dry-run prints the manifest, for kubectl apply "
        "elsewhere"
    )


def _object(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        raise NightsweepError(f"kubectl has answered no JSON: {text[:80]!r}") from None
    return found
