"""The pages of docs/coming-from show what `nightsweep import` really writes and says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Command

PAGES = Path(__file__).parents[1] / "docs" / "coming-from"
IMPORTED = ("wandb", "determined", "nni", "katib", "hydra", "syne-tune")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", IMPORTED)
def test_a_page_shows_what_is_said_and_written(
    nightsweep: Command, tmp_path: Path, page: str
) -> None:
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    names = [
        *re.findall(r"^## Before: `(.*)`$", text, re.M),
        *re.findall("^and `(.*)`:", text, re.M),
    ]
    blocks = [found[2] for found in FENCED.finditer(text)]
    for name, block in zip(names, blocks, strict=False):
        (tmp_path / name).write_text(block, encoding="utf-8")
    said, after = blocks[len(names) : len(names) + 2]
    told = nightsweep("import", names[0])
    assert f"$ nightsweep import {names[0]}\n{told.err}{told.out}" == said
    assert (tmp_path / "nightsweep.yaml").read_text(encoding="utf-8") == after


def test_every_page_that_is_imported_from_is_in_the_list() -> None:
    listed = (PAGES / "README.md").read_text(encoding="utf-8")
    assert [page for page in IMPORTED if f"({page}.md)" not in listed] == []
