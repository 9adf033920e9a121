"""The sweep files of docs/first-sweep.md are right."""

from __future__ import annotations

import re
from pathlib import Path

from nightsweep.search.sweepfile import load

PAGE = Path(__file__).parents[1] / "docs" / "first-sweep.md"


def test_each_sweep_file_of_the_tutorial_loads(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        (tmp_path / "sweep.yaml").write_text(block, encoding="utf-8")
        sweep = load(tmp_path / "sweep.yaml")
        assert sweep.trainable is not None
        assert sweep.trainable.name == "tabular"
