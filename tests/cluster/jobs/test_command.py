"""Commands of a site are asked with a time limit, and may not be there."""

from __future__ import annotations

import pytest

from nightsweep.cluster.jobs import command
from nightsweep.cluster.jobs.command import Answer, MissingError, ask
from nightsweep.search.errors import ClusterDownError


def test_a_command_answers_with_its_exit_code_and_what_it_says() -> None:
    told = ask(["sh", "-c", "cat; echo no >&2; exit 3"], send="yes")
    assert told == Answer(code=3, out="yes", err="no\n")


def test_a_command_that_is_not_there_is_said() -> None:
    with pytest.raises(MissingError, match="there is no sbatch-of-nowhere on this machine"):
        ask(["sbatch-of-nowhere"])


def test_a_command_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "LIMIT", 0.1)
    with pytest.raises(ClusterDownError, match="sleep has not answered"):
        ask(["sleep", "60"])
