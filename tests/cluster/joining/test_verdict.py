"""What nodes answer, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.joining.join import Versions
from nightsweep.cluster.joining.verdict import Answers, Verdict, verdict

OURS, RUN = Versions("2.60.0", "3.11.7"), Path("/shared/run")
FINE: dict[str, Any] = {
    "python": "3.11.7", "ray": "2.60.0", "torch": "2.13.0", "nightsweep": "0.1.0",
    "same_package": True, "other_files": [], "modules": [], "data": [], "run": "",
}  # fmt: skip


def said(**answers: dict[str, Any] | None) -> Verdict:
    """Of nodes that answer what is fine, but for this."""
    found: Answers = {
        node.replace("_", "-"): None if other is None else FINE | other
        for node, other in answers.items()
    }
    return verdict(found, ours=OURS, torch="2.13.0", run=RUN)


def test_nodes_that_have_everything_get_nothing() -> None:
    assert said(node_1={}, node_2={}) == Verdict()


def test_code_that_one_node_lacks_must_be_sent() -> None:
    assert said(node_1={}, node_2={"other_files": ["/p/a.py"]}) == Verdict(project=True)
    assert said(node_1={}, node_2={"same_package": False}) == Verdict(package=True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            {"ray": "2.9.0"},
            "node-1 and node-2 run Ray 2.9.0 and Python 3.11.7, and here are Ray 2.60.0 and "
            "Python 3.11.7; all must be the same",
        ),
        (
            {"modules": ["torch"]},
            "node-1 and node-2 cannot import torch; install it in Ray's environment there",
        ),
        (
            {"data": ["/data/x"]},
            "/data/x (of data) cannot be read on node-1 and node-2; put it on storage they share",
        ),
        (
            {"run": "is not there"},
            "the run folder /shared/run is not there on node-1 and node-2; put it on storage that "
            "all nodes share: --out FOLDER",
        ),
        (None, "node-1 and node-2 did not answer in time"),
    ],
    ids=["versions", "modules", "data", "run folder", "silent"],
)
def test_what_nodes_lack_is_one_sentence_that_names_them(answer: Any, words: str) -> None:
    assert said(node_1=answer, node_2=answer, node_3={}).problems == (words,)


def test_one_node_is_told_as_one_and_many_are_counted() -> None:
    assert said(n1={"ray": "2.9.0"}).problems[0].startswith("n1 runs Ray 2.9.0")
    many = said(**{f"n{number}": {"modules": ["torch"]} for number in range(1, 8)})
    assert many.problems[0].startswith("n1, n2, n3, n4 and 3 more nodes cannot import torch")


def test_another_torch_is_only_a_note() -> None:
    found = said(node_1={"torch": "2.6.0"}, node_2={})
    assert found == Verdict(
        notes=("node-1 has torch 2.6.0, and here is 2.13.0; results may differ a bit",)
    )
