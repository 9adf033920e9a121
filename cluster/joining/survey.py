"""Asking every node, before the first trial and when one comes, whether a sweep can run there."""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import ray
from ray import cloudpickle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ..capacity import room
from ..nodes import Members
from . import probe
from .join import Versions
from .project import Project
from .travel import Luggage, own
from .verdict import Answers, Verdict, verdict

WITHIN = 30.0  # seconds for all nodes to answer in


def survey(project: Project, luggage: Luggage | None, members: Members) -> Verdict:
    """What the nodes that have room for a trial say of this project.

    `luggage`: what of it would travel; None where it needs nothing.
    """
    asked = {node for node, member in members.items() if room([member.has], project.needs)}
    question = {
        "files": luggage.code if luggage else {},
        "package": probe.tree(own()),
        "modules": project.modules,
        "data": [str(path) for path in project.data],
        "run": str(project.run),
    }
    with _nonce(project.run) as nonce:
        found = _ask(question | {"nonce": nonce}, asked)
    names = _named(members)
    return verdict(
        {names[node]: answer for node, answer in found.items()},
        ours=Versions(ray.__version__, platform.python_version()),
        torch=_torch(),
        run=project.run,
    )


def _ask(question: Mapping[str, Any], nodes: set[str]) -> Answers:
    """Each node's answer; None where there is none."""
    cloudpickle.register_pickle_by_value(probe)
    try:
        look: Any = ray.remote(num_cpus=0, max_retries=0)(probe.look)  # type: ignore[arg-type]
        tasks = {
            node: look.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)
            ).remote(**question, node=node)
            for node in nodes
        }
    finally:
        cloudpickle.unregister_pickle_by_value(probe)
    ray.wait(list(tasks.values()), num_returns=len(tasks), timeout=WITHIN)
    return {node: _answer(task) for node, task in tasks.items()}


def _answer(task: Any) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = ray.get(task, timeout=0)
        return found
    except Exception:  # the node was lost, or no worker starts there
        with contextlib.suppress(Exception):
            ray.cancel(task, force=True)
        return None


@contextlib.contextmanager
def _nonce(run: Path) -> Iterator[str]:
    """A file in the run folder by which nodes know it; what they leave beside it goes with it."""
    name = f".survey-{os.getpid()}-{secrets.token_hex(8)}"
    (run / name).touch()
    try:
        yield name
    finally:
        for path in run.glob(f"{name}*"):
            path.unlink(missing_ok=True)


def _named(members: Members) -> dict[str, str]:
    """A name for each node: its host's, or its address too where one host has several."""
    hosts = [member.host for member in members.values()]
    return {
        node: member.host if hosts.count(member.host) == 1 else member.address
        for node, member in members.items()
    }


def _torch() -> str | None:
    try:
        return version("torch")
    except PackageNotFoundError:
        return None
