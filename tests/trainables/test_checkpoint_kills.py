"""Processes that write checkpoints, killed with -9 at any moment."""

import random
import subprocess
import sys
import time
from pathlib import Path

from nightsweep.trainables import checkpoint, manifest

KILLS = 15
WRITER = """
import itertools, os, sys
from pathlib import Path
from nightsweep.trainables import checkpoint

def write(aside):
    for part in range(4):
        (aside / f"part-{part}").write_bytes(os.urandom(50_000))

folder = Path(sys.argv[1])
for epoch in itertools.count(1):
    checkpoint.put(folder, epoch, write)
    checkpoint.put(folder, epoch, write)  # trained again
    checkpoint.keep_only(folder, {epoch})
    print(epoch, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_no_visible_checkpoint_that_is_not_whole(
    tmp_path: Path,
) -> None:
    dice, folder = random.Random(4), tmp_path / "1"
    folder.mkdir()
    found = 0
    for _ in range(KILLS):
        command = [sys.executable, "-c", WRITER, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()  # the first one is there
            time.sleep(dice.uniform(0, 0.06))
            writer.kill()
        for epoch in checkpoint.epochs(folder):
            assert manifest.sealed(checkpoint.place(folder, epoch))
            assert checkpoint.damage(folder, epoch) == ""
            found += 1
    assert found >= KILLS // 2, "an epoch's own checkpoint is away only while it is replaced"
    checkpoint.clear(folder)
    assert all(path.name.startswith("epoch-") for path in folder.iterdir())


REMOVER = """
import sys
from pathlib import Path
from nightsweep.trainables import checkpoint

print("now", flush=True)
checkpoint.remove(Path(sys.argv[1]), 3)
"""


def test_a_process_killed_while_it_removes_a_checkpoint_leaves_none_that_is_half(
    tmp_path: Path,
) -> None:
    files = 10_000
    checkpoint.place(tmp_path, 3).mkdir()
    for number in range(files):
        (checkpoint.place(tmp_path, 3) / str(number)).touch()
    command = [sys.executable, "-c", REMOVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as remover:
        assert remover.stdout is not None
        remover.stdout.readline()
        time.sleep(0.02)
        remover.kill()
    left = len(list(checkpoint.place(tmp_path, 3).glob("*")))
    assert left in (0, files)
