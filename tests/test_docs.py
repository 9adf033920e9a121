"""What the pages promise to be there is there: files, headings, and a test for each example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    kept = (
        re.sub(r"[^\w\- ]", "", title.strip().lower())
        for title in HEADING.findall(page.read_text())
    )
    return {title.replace(" ", "-") for title in kept}


def broken(page: Path) -> Iterator[str]:
    for path, anchor in LINK.findall(page.read_text()):
        there = page.parent / path if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            yield f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


@pytest.mark.parametrize(
    "example", sorted(path for path in (ROOT / "examples").iterdir()), ids=lambda path: path.name
)
def test_every_example_is_run_by_a_test(example: Path) -> None:
    assert re.search(rf"\b{re.escape(example.stem)}\b", TESTS), f"{example.name}: no test names it"
