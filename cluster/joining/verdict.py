"""What the answers of nodes come to: code to send, and in words what keeps a sweep from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...search.units import plural
from .join import Versions

Answers = Mapping[str, Mapping[str, Any] | None]  # by node; None: it did not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`project`, `package`: whether that code must be sent. `problems`: each keeps the sweep from
    running; `notes`: what people may want to know."""

    project: bool = False
    package: bool = False
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def verdict(answers: Answers, *, ours: Versions, torch: str | None, run: Path) -> Verdict:
    """What nodes need, and what they lack. `ours`, `torch`: the versions here."""
    heard = {node: answer for node, answer in answers.items() if answer is not None}
    silent = [node for node, answer in answers.items() if answer is None]
    problems = [f"{_names(silent)} did not answer in time"] if silent else []
    return Verdict(
        project=any(answer["other_files"] for answer in heard.values()),
        package=not all(answer["same_package"] for answer in heard.values()),
        problems=(*problems, *_problems(heard, ours, run)),
        notes=tuple(_notes(heard, torch)),
    )


def _problems(heard: Mapping[str, Mapping[str, Any]], ours: Versions, run: Path) -> Iterator[str]:
    versions = {node: Versions(says["ray"], says["python"]) for node, says in heard.items()}
    for other, nodes in _alike((v, n) for n, v in versions.items() if v != ours):
        runs = "runs" if len(nodes) == 1 else "run"
        yield f"{_names(nodes)} {runs} {other}, and here are {ours}; all must be the same"
    for module, nodes in _alike((m, n) for n, says in heard.items() for m in says["modules"]):
        yield f"{_names(nodes)} cannot import {module}; install it in Ray's environment there"
    for path, nodes in _alike((p, n) for n, says in heard.items() for p in says["data"]):
        yield f"{path} (of data) cannot be read on {_names(nodes)}; put it on storage they share"
    for why, nodes in _alike((says["run"], n) for n, says in heard.items() if says["run"]):
        yield (
            f"the run folder {run} {why} on {_names(nodes)}; put it on storage that all nodes "
            "share: --out FOLDER"
        )


def _notes(heard: Mapping[str, Mapping[str, Any]], torch: str | None) -> Iterator[str]:
    found = [(says["torch"], node) for node, says in heard.items()]
    for other, nodes in _alike(pair for pair in found if pair[0] not in (torch, None)):
        has = "has" if len(nodes) == 1 else "have"
        yield f"{_names(nodes)} {has} torch {other}, and here is {torch}; results may differ a bit"


def _alike(pairs: Iterable[tuple[Any, str]]) -> list[tuple[Any, list[str]]]:
    """What is said of nodes, each with all nodes of which it is."""
    found: defaultdict[Any, list[str]] = defaultdict(list)
    for what, node in pairs:
        found[what].append(node)
    return list(found.items())


def _names(nodes: Sequence[str], most: int = 4) -> str:
    """As in "node-1, node-2 and 3 more nodes"."""
    shown, rest = sorted(nodes)[:most], len(nodes) - most
    if rest > 0:
        return f"{', '.join(shown)} and {plural(rest, 'more node')}"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
