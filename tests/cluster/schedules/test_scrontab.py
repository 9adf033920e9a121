"""Slurm's crontab, as its source and its manual have it; no real one could be asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nightsweep.cluster.schedules.program import Ended
from nightsweep.cluster.schedules.scrontab import Scrontab

from .plan import entry

OTHERS = """\
#SCRON --time=5
#SCRON --output=/dev/null
*/5 * * * * /usr/bin/true
"""


class Slurm:
    """Answers as scrontab does: it reads a file, and says on its output that there is none."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text

    def __call__(self, command: Sequence[str], given: str = "") -> Ended:
        match list(command):
            case ["scrontab", "-l"] if self.text is None:
                return Ended(code=1, out="no crontab for ann\n")
            case ["scrontab", "-l"]:
                return Ended(out=self.text or "")
            case ["scrontab", "-r"]:
                self.text = None
            case ["scrontab", file]:
                self.text = Path(file).read_text()
        return Ended()


def test_each_line_has_its_options_before_it_since_slurm_forgets_them(tmp_path: Path) -> None:
    slurm = Slurm(OTHERS)
    Scrontab(slurm, zone="Etc/UTC").add(entry(tmp_path, zone="Europe/Berlin"))
    lines = (slurm.text or "").splitlines()
    options = [
        "#SCRON --job-name=nightsweep-digits", "#SCRON --time=10", "#SCRON --output=/dev/null",
    ]  # fmt: skip
    assert (lines[0:3], lines[4:7]) == (options, options)
    assert [line.partition(" * ")[0] for line in (lines[3], lines[7])] == ["0 20", "0 21"]


def test_what_is_removed_is_exactly_what_was_added(tmp_path: Path) -> None:
    slurm, one = Slurm(OTHERS), entry(tmp_path)
    table = Scrontab(slurm, zone="Etc/UTC")
    table.add(one)
    table.add(one)
    assert (slurm.text or "").count("nightsweep-digits") == 1
    assert table.remove(one) == ""
    assert slurm.text == OTHERS


def test_options_that_somebody_has_changed_are_left_alone(tmp_path: Path) -> None:
    slurm, one = Slurm(), entry(tmp_path)
    table = Scrontab(slurm, zone="Etc/UTC")
    table.add(one)
    slurm.text = (slurm.text or "").replace("--time=10", "--time=20")
    assert table.remove(one) == ""
    assert "#SCRON --time=20\n" in (slurm.text or "")


def test_a_site_without_scrontab_or_with_none_for_its_users_is_a_hindrance() -> None:
    off = Ended(code=1, err="scrontab: fatal: scrontab is disabled on this cluster\n")
    assert "is disabled on this cluster" in Scrontab(lambda words, given: off).hindrance()
    gone = Ended(code=127)
    assert Scrontab(lambda words, given: gone).hindrance() == "there is no scrontab"
    assert Scrontab(Slurm()).hindrance() == ""
