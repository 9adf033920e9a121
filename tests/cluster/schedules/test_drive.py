from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NIGHT = """
import sys
from pathlib import Path
from nightsweep.cluster.schedules.drive import drive
sys.exit(drive(Path(sys.argv[1]), ["sh", "-c", sys.argv[2]]))
"""


def test_what_a_night_prints_is_in_its_run_folder_and_it_leads_its_own_group(
    tmp_path: Path,
) -> None:
    (tmp_path / "job").mkdir()
    log = tmp_path / "job" / "output.log"
    log.write_text("the night before\n")
    driver = "cut -d' ' -f5 /proc/$$/stat; echo refused >&2; exit 2"
    night = subprocess.Popen([sys.executable, "-c", NIGHT, str(tmp_path), driver])
    assert night.wait() == 2
    before, group, said = log.read_text().splitlines()
    assert (before, said) == ("the night before", "refused")
    assert int(group) == night.pid != os.getpgid(0)
