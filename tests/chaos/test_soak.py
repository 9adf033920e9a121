"""What the soak prints."""

from __future__ import annotations

from .soak import table
from .storm import Struck


def test_kinds_are_told_with_what_followed_the_most_frequent_first() -> None:
    struck = [
        Struck(1.0, "worker killed", 3.0, "trained again"),
        Struck(5.0, "interrupted", 4.0, "exit code 75, resumed"),
        Struck(9.0, "worker killed", 5.0, "came too late"),
        Struck(12.0, "worker killed", 4.0, "trained again"),
    ]
    assert [" ".join(line.split()) for line in table(struck).splitlines()] == [
        "fault times median s what followed",
        "worker killed 3 4.0 trained again (2), came too late (1)",
        "interrupted 1 4.0 exit code 75, resumed (1)",
        "all 4",
    ]
