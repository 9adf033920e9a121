"""Any program as a trainable: what it is given, what it reports, how it pauses, fails and ends."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from nightsweep.search.ready import Command as Settings
from nightsweep.trainables import checkpoint
from nightsweep.trainables.command import Command
from nightsweep.trainables.commands import working
from nightsweep.trainables.host import Host
from nightsweep.trainables.job import Answer, End, Ended, Job, Step
from nightsweep.trainables.trial import Trial

PYTHON = sys.executable
CLIENT_FILE = Path(working.__file__).parent / "client" / "nightsweep_report.py"
EPOCHS = """
import json
for epoch in range(1, 4):
    print(json.dumps({"epoch": epoch, "val_loss": 1 / epoch}))
"""
COUNTS = """
import json, os, pathlib, sys
state = pathlib.Path(os.environ["NIGHTSWEEP_CHECKPOINT"], "state.json")
weight = json.loads(state.read_text()) if state.exists() else 0
for epoch in range(int(os.environ["NIGHTSWEEP_EPOCH"]) + 1, 4):
    weight = weight * 2 + epoch
    state.write_text(json.dumps(weight))
    print(json.dumps({"epoch": epoch, "val_loss": weight}))
"""
CLIENT = COUNTS.replace("print(json.dumps({", "report({").replace("}))", "})")
CLIENT = CLIENT.replace("import json,", "from nightsweep_report import report\nimport json,")


class Slot:
    """Runs a command for trials; `pauses`: at each of these epochs the trial is to halt."""

    def __init__(self, folder: Path, *, grace: float = 5.0) -> None:
        self.folder = folder
        self.grace = grace
        self.steps: list[Step] = []

    def run(
        self, code: str = "", *, command: str = f"{PYTHON} train.py", pause: int = 0, **job: Any
    ) -> Ended:
        """Train trial 1 by a script, from `epoch` on; at epoch `pause` it is halted."""
        (self.folder / "train.py").write_text(textwrap.dedent(code))
        runs = Command(Settings(run=command, grace=self.grace), self.folder)

        def call(trial: Trial) -> None:
            runs(trial.config, trial)

        host = Host(call)
        values: dict[str, Any] = {
            "trial": 1, "config": {"lr": 0.1}, "epoch": 0, "until": pause or 3, "max_epochs": 3,
            "metrics": ("val_loss",), "seed": 5, "folder": self.folder / "1",
        }  # fmt: skip
        host.start(Job(**values | job))
        return self._until_end(host, pause)

    def _until_end(self, host: Host, pause: int) -> Ended:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for message in host.poll(0.2):
                if isinstance(message, Ended):
                    return message
                if isinstance(message, Step):
                    self.steps.append(message)
                    if message.waits:
                        goes_on = None if message.epoch == pause else 3
                        host.answer(Answer(trial=1, until=goes_on))
        raise AssertionError("the command does not end")

    @property
    def reported(self) -> list[tuple[int, float]]:
        return [(step.epoch, step.metrics["val_loss"]) for step in self.steps]

    @property
    def log(self) -> str:
        return (self.folder / "1" / "log.txt").read_text()


@pytest.fixture
def slot(tmp_path: Path) -> Slot:
    return Slot(tmp_path)


RETURNED = Ended(trial=1, end=End.RETURNED)
HALTED = Ended(trial=1, end=End.HALTED)


def test_lines_of_json_are_reports_and_all_else_is_the_log(slot: Slot) -> None:
    noise = "import sys; print('hello'); print('to err', file=sys.stderr); print({1: 2})\n"
    assert slot.run(noise + EPOCHS) == RETURNED
    assert slot.reported == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert "hello" in slot.log
    assert "to err" in slot.log
    assert [path.name for path in (slot.folder / "1").glob("checkpoint-*")] == []


def test_a_value_is_one_argument_whatever_is_in_it(slot: Slot) -> None:
    code = """
        import json, os, sys
        print(json.dumps(sys.argv[1:]), file=sys.stderr)
        print(json.dumps({"val_loss": 0.5}))
    """
    config = {"lr": 1e-05, "words": "a 'b' $HOME; c", "on": True, "deep": [1, {"x": None}]}
    command = f"{PYTHON} train.py --lr={{lr}} {{words}} {{on}} {{deep}} '{{{{lr}}}} {{lr}}' {{lr}}"
    assert slot.run(code, command=command, config=config) == RETURNED
    given = json.loads(slot.log.splitlines()[0])
    assert given == [
        "--lr=1e-05", "a 'b' $HOME; c", "true", '[1, {"x": null}]', "{lr} 1e-05", "1e-05",
    ]  # fmt: skip


def test_what_a_configuration_lacks_is_left_out_with_its_option(slot: Slot) -> None:
    code = "import json, sys\nprint(json.dumps({'val_loss': len(sys.argv)}))"
    command = f"{PYTHON} train.py --momentum {{momentum}} --beta={{beta}} --lr {{lr}}"
    assert slot.run(code, command=command) == RETURNED
    assert slot.reported == [(1, 3)]


def test_a_program_finds_all_of_its_trial_in_the_environment_and_in_a_file(slot: Slot) -> None:
    code = """
        import json, os, sys
        env = {k: v for k, v in os.environ.items() if k.startswith("NIGHTSWEEP_")}
        env["config"] = json.load(open(env["NIGHTSWEEP_CONFIG"]))
        json.dump({"env": env, "argv": sys.argv[1:]}, open("told.json", "w"))
        print('{"val_loss": 1}')
    """
    names = ["epochs", "trial", "seed", "folder", "checkpoint", "config", "device"]
    command = " ".join([PYTHON, "train.py", *(f"{{{name}}}" for name in names)])
    config = {"lr": 0.1, "layer size": 64, "seed": 77}
    assert slot.run(code, command=command, config=config) == RETURNED
    told = json.loads((slot.folder / "told.json").read_text())
    env, folder = told["env"], str(slot.folder / "1")
    assert env["config"] == config
    assert (env["NIGHTSWEEP_PARAM_LR"], env["NIGHTSWEEP_PARAM_LAYER_SIZE"]) == ("0.1", "64")
    assert (env["NIGHTSWEEP_TRIAL"], env["NIGHTSWEEP_EPOCH"]) == ("1", "0")
    assert told["argv"] == [
        "3", "1", "77", folder, env["NIGHTSWEEP_CHECKPOINT"], f"{folder}/config.json", "cpu",
    ]  # fmt: skip
    assert env["NIGHTSWEEP_CHECKPOINT"].startswith(f"{folder}/checkpoint-")


def test_a_parameter_named_epochs_is_what_the_placeholder_stands_for(slot: Slot) -> None:
    code = "import json, os, sys\nfor e in range(int(sys.argv[1])): print('{\"val_loss\": 1}')"
    ended = slot.run(code, command=f"{PYTHON} train.py {{epochs}}", config={"epochs": 2})
    assert ended == RETURNED
    assert [epoch for epoch, _ in slot.reported] == [1, 2]
    assert "it ended by itself after epoch 2 of 3" in slot.log


@pytest.mark.parametrize("code", [COUNTS, CLIENT], ids=["lines", "client"])
@pytest.mark.parametrize("pause", [1, 2])
def test_a_program_that_is_paused_goes_on_from_what_it_has_saved(
    slot: Slot, code: str, pause: int
) -> None:
    slow = code + "    import time; time.sleep(0.3)\n"  # an epoch takes longer than to stop it
    assert slot.run(slow, pause=pause) == HALTED
    assert [path.name for path in checkpoint.place(slot.folder / "1", pause).iterdir()]
    assert slot.steps[-1].checkpoint
    assert slot.run(slow, epoch=pause) == RETURNED
    assert slot.reported == [(1, 1), (2, 4), (3, 11)]
    assert list((slot.folder / "1").glob("checkpoint-*")) == []


@pytest.mark.parametrize(("code", "state"), [(COUNTS, "T"), (CLIENT, "S")])
def test_a_program_stands_still_while_its_checkpoint_is_copied(
    slot: Slot, monkeypatch: pytest.MonkeyPatch, code: str, state: str
) -> None:
    copy, seen = working.copy, list[str]()

    def look(source: Path, target: Path) -> None:
        stat = Path("/proc", (slot.folder / "pid").read_text(), "stat")
        for _ in range(200):  # a stopped process may still be waiting for a CPU to stop on
            now = stat.read_text().rpartition(")")[2].split()[0]
            if now == state:
                break
            time.sleep(0.01)
        seen.append(now)
        copy(source, target)

    monkeypatch.setattr(working, "copy", look)
    busy = "import os; open('pid', 'w').write(str(os.getpid()))\n" + code
    slow = busy + "    for _ in range(10**7): pass\n"
    assert slot.run(slow, pause=2) == HALTED
    assert seen == [state]


def test_a_program_that_saves_nothing_cannot_be_paused_but_is_stopped(slot: Slot) -> None:
    assert slot.run(EPOCHS + "    import time; time.sleep(0.3)\n", pause=2) == HALTED
    assert not slot.steps[-1].checkpoint
    assert checkpoint.epochs(slot.folder / "1") == []


def test_epochs_that_are_trained_again_after_a_pause_do_not_count_twice(slot: Slot) -> None:
    """Who reports before saving has the epoch before in its checkpoint, or begins again."""
    keeps = 'import os\nopen(os.environ["NIGHTSWEEP_CHECKPOINT"] + "/x", "w")\n' + EPOCHS
    assert slot.run(keeps, epoch=0, pause=2) == HALTED
    assert slot.run(keeps, epoch=2) == RETURNED
    assert slot.reported == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert "epoch 1 was reported before" in slot.log


def test_only_files_are_kept_and_links_to_files_as_files(slot: Slot) -> None:
    code = """
        import os
        place = os.environ["NIGHTSWEEP_CHECKPOINT"]
        os.makedirs(place + "/deep/er")
        open(place + "/deep/er/file", "w").write("x")
        os.symlink("deep/er/file", place + "/link")
        os.symlink("gone", place + "/dangling")
        os.symlink("/", place + "/root")
        os.mkfifo(place + "/pipe")
        print('{"epoch": 3, "val_loss": 1}')
    """
    assert slot.run(code) == RETURNED
    saved = checkpoint.place(slot.folder / "1", 3)
    assert {str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()} == {
        "deep/er/file", "link", ".manifest.json",
    }  # fmt: skip
    assert not (saved / "link").is_symlink()


def test_the_client_ends_a_program_that_is_stopped_in_order(slot: Slot) -> None:
    code = f"""
        import atexit, os
        atexit.register(lambda: open({str(slot.folder / "left")!r}, "w").write("in order"))
        from nightsweep_report import report
        for epoch in range(1, 4):
            report(epoch=epoch, val_loss=epoch)
        open({str(slot.folder / "too-far")!r}, "w")
    """
    assert slot.run(code, pause=2) == HALTED
    assert (slot.folder / "left").read_text() == "in order"
    assert not (slot.folder / "too-far").exists()


def test_the_client_prints_where_no_sweep_has_started_it(tmp_path: Path) -> None:
    code = "from nightsweep_report import report; report({'a': 1}, epoch=1, val_loss=0.5)"
    env = {"PYTHONPATH": str(CLIENT_FILE.parent)}
    done = subprocess.run([PYTHON, "-S", "-c", code], env=env, capture_output=True, text=True)
    assert json.loads(done.stdout) == {"a": 1, "epoch": 1, "val_loss": 0.5}


def test_the_client_ends_a_program_whose_sweep_is_gone(tmp_path: Path) -> None:
    code = "from nightsweep_report import report; report(val_loss=0.5); print('trains on')"
    env = {"PYTHONPATH": str(CLIENT_FILE.parent), "NIGHTSWEEP_REPORT": "nobody"}
    done = subprocess.run([PYTHON, "-S", "-c", code], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_client_is_for_old_pythons_too_and_needs_nothing_installed() -> None:
    tree = ast.parse(CLIENT_FILE.read_text(), feature_version=(3, 8))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {getattr(node, "module", None) or node.names[0].name for node in imports}
    assert names <= {"__future__", *sys.stdlib_module_names}


def test_a_program_reports_from_an_environment_that_has_no_nightsweep(slot: Slot) -> None:
    venv = slot.folder / "own"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(venv)], check=True)
    code = """
        import importlib.util
        from nightsweep_report import report
        assert importlib.util.find_spec("nightsweep") is None
        assert importlib.util.find_spec("torch") is None
        for epoch in range(1, 4):
            report(val_loss=1 / epoch)
    """
    assert slot.run(code, command="own/bin/python train.py") == RETURNED
    assert len(slot.steps) == 3


def test_of_several_processes_the_first_reports(slot: Slot) -> None:
    code = """
        import os, subprocess, sys
        if "RANK" not in os.environ:
            ranks = [
                subprocess.Popen([sys.executable, __file__], env={**os.environ, "RANK": rank})
                for rank in "01"
            ]
            sys.exit(max(rank.wait() for rank in ranks))
        from nightsweep_report import report
        for epoch in range(3):
            report(val_loss=int(os.environ["RANK"]))
    """
    assert slot.run(code) == RETURNED
    assert slot.reported == [(1, 0), (2, 0), (3, 0)]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (EPOCHS + "    raise ValueError('no good')", "exited with code 1: ValueError: no good"),
        ("import sys; sys.exit(3)", "exited with code 3"),
        ("import os; os.abort()", "was killed by signal 6 (Aborted)"),
        (
            "import os; os.kill(os.getpid(), 9)",
            "was killed by signal 9 (Killed), as the kernel does when memory runs out",
        ),
        (
            "print('all is well')",
            'exited with code 0 and never reported val_loss; print a line such as {"epoch": 1, '
            '"val_loss": 0.5} each epoch',
        ),
        (
            'print(\'{"train_loss": 1, "vall_loss": 2}\')',
            "exited with code 0 and never reported val_loss; it printed train_loss, vall_loss. "
            'Did you mean "vall_loss"?',
        ),
        (
            "print({'val_loss': 0.5})",
            "exited with code 0 and never reported val_loss; its line \"{'val_loss': 0.5}\" is no "
            "JSON (all of it on one line, nothing else there, names in double quotes)",
        ),
        (
            "print('INFO:root:{\"val_loss\": 0.5}')",
            'exited with code 0 and never reported val_loss; its line \'INFO:root:{"val_loss": '
            "0.5}' is no JSON (all of it on one line, nothing else there, names in double quotes)",
        ),
        (
            "import sys; print('{\"val_loss\": 0.5}', file=sys.stderr)",
            "exited with code 0 and never reported val_loss; its line '{\"val_loss\": 0.5}' went "
            "to standard error; print it to standard output",
        ),
        ("print('{\"val_loss\": null}')", "reported val_loss as None; report a number"),
        ('print(\'{"val_loss": "low"}\')', "reported val_loss as a str; report a number"),
        ('print(\'{"epoch": 0, "val_loss": 1}\')', "reported epoch 0; epochs count from 1"),
        (
            "from nightsweep_report import report; report(loss=1)",
            "reported no val_loss, the metric of this sweep; it reported loss. Did you mean "
            '"loss"?',
        ),
        (
            'for e in (2, 1): print(\'{"epoch": %s, "val_loss": 1}\' % e)',
            "reported epoch 1 after epoch 2",
        ),
    ],
)
def test_a_program_that_fails_says_how_in_one_sentence(slot: Slot, code: str, reason: str) -> None:
    ended = slot.run(code)
    told = ended.reason.replace(" after epoch 1:", ":")
    assert (ended.end, told) == (End.FAILED, reason)


def test_a_failure_comes_with_the_last_lines_of_its_standard_error(slot: Slot) -> None:
    ended = slot.run("def f():\n    raise KeyError('lr')\nf()")
    assert ended.reason == "exited with code 1: KeyError: 'lr'"
    assert ended.traceback.startswith("Traceback (most recent call last):")
    assert 'train.py", line 2, in f' in ended.traceback
    assert slot.log.count("in f\n") == 1
    assert ended.reason in slot.log


@pytest.mark.parametrize("error", ["MemoryError()", "RuntimeError('CUDA out of memory.')"])
def test_memory_that_runs_out_in_a_program_is_known_for_it(slot: Slot, error: str) -> None:
    ended = slot.run(f"raise {error}")
    assert (ended.end, ended.reason) == (End.MEMORY, "ran out of memory")


def test_values_that_are_no_numbers_are_left_out(slot: Slot) -> None:
    code = """print('{"val_loss": NaN, "note": "x", "more": [1], "ok": true, "n": 7}')"""
    assert slot.run(code).end is End.RETURNED
    assert sorted(slot.steps[0].metrics) == ["n", "ok", "val_loss"]


def test_output_of_any_kind_hurts_nobody(slot: Slot) -> None:
    code = """
        import sys
        sys.stdout.buffer.write(b"\\xff\\xfe\\x00 binary\\n" + b"{" * 5000 + b"\\n")
        sys.stdout.buffer.write(b"x" * 3_000_000)
        sys.stdout.buffer.write(b"\\n{\\"val_loss\\": 1" + b"0" * 200_000 + b"}\\n")
        for percent in range(101):
            sys.stderr.write(f"\\r{percent}%" + " " * 2000)
        sys.stderr.write("\\n")
        print('\\r  {"val_loss": 0.5}\\r')
        sys.stdout.write('{"val_loss": 0.25}')
    """
    assert slot.run(code) == RETURNED
    assert slot.reported == [(1, 0.5), (2, 0.25)]
    assert "99%" not in slot.log
    assert "100%" in slot.log
    assert len(slot.log) < 300_000


def test_secrets_in_what_it_prints_are_not_in_the_log(
    slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "sesame-open")
    code = "import os, sys; print(os.environ['MY_TOKEN']); sys.exit(os.environ['MY_TOKEN'])"
    ended = slot.run(code)
    assert ended.reason == "exited with code 1: ***"
    assert "sesame" not in ended.traceback + slot.log


@pytest.mark.parametrize("how", ["ignores", "hears"])
def test_sigterm_comes_first_and_sigkill_after_grace(tmp_path: Path, how: str) -> None:
    slot = Slot(tmp_path, grace=1.0)
    code = f"""
        import pathlib, signal, sys, time
        def hear(*_):
            pathlib.Path("heard").touch()
            if {how!r} == "hears":
                sys.exit(0)
        signal.signal(signal.SIGTERM, hear)
        print('{{"val_loss": 1}}')
        time.sleep(60)
    """
    assert slot.run(code, pause=1) == HALTED
    assert (tmp_path / "heard").exists()


def test_a_program_that_does_not_end_after_its_last_epoch_is_ended_and_counts(
    tmp_path: Path,
) -> None:
    slot = Slot(tmp_path, grace=0.3)
    assert slot.run(EPOCHS + "import time; time.sleep(60)") == RETURNED
    assert "did not end by itself after its last epoch" in slot.log


@pytest.mark.parametrize(
    "report", ["print('{\"val_loss\": 1}')", "nightsweep_report.report(val_loss=1)"]
)
def test_a_program_that_trains_on_and_on_is_ended_after_its_last_epoch(
    slot: Slot, report: str
) -> None:
    assert slot.run(f"import nightsweep_report\nwhile True: {report}") == RETURNED
    assert len(slot.steps) == 3


def test_a_program_that_trains_on_and_hears_no_sigterm_is_killed(tmp_path: Path) -> None:
    slot = Slot(tmp_path, grace=0.5)
    code = """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            print('{"val_loss": 1}')
            time.sleep(0.01)
    """
    assert slot.run(code) == RETURNED
    assert len(slot.steps) == 3


FORKS = """
    import os, signal, subprocess, sys, time
    def linger(name):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open(name, "w").write(str(os.getpid()))
        time.sleep(60)
        os._exit(0)
    if not os.fork():
        linger("child")
    if not os.fork():                   # a daemon: forks twice, in a session of its own
        os.setsid()
        if os.fork():
            os._exit(0)
        linger("daemon")
    while not (os.path.exists("child") and os.path.exists("daemon")):
        time.sleep(0.01)
    time.sleep(0.05)
"""


def gone(pid: int) -> bool:
    """Whether a process has ended, within some seconds."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("end", ["stops", "ends", "fails"])
def test_what_a_program_has_forked_ends_with_it(tmp_path: Path, end: str) -> None:
    slot = Slot(tmp_path, grace=1.0)
    code = textwrap.dedent(FORKS) + textwrap.dedent(EPOCHS)
    code += {"stops": "time.sleep(60)", "ends": "", "fails": "sys.exit(1)"}[end]
    ended = slot.run(code, pause=1 if end == "stops" else 0)
    assert ended.end is {"stops": End.HALTED, "ends": End.RETURNED, "fails": End.FAILED}[end]
    for name in ("child", "daemon"):
        assert gone(int((tmp_path / name).read_text()))


def test_a_program_that_goes_into_the_background_is_told_to_stay(slot: Slot) -> None:
    ended = slot.run("import os, time\nif not os.fork():\n    time.sleep(60)")
    assert ended.reason == (
        "exited with code 0 and never reported val_loss; what it had left in the background was "
        "ended: it must stay until all is done"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("print(1)", r"run is no program: its first line must say what runs it, as in #!/bin/sh"),
        ("#!/no/such/python\n", r"run cannot be started: No such file or directory"),
    ],
)
def test_what_the_system_will_not_start_is_said(slot: Slot, text: str, reason: str) -> None:
    (slot.folder / "run").write_text(text)
    (slot.folder / "run").chmod(0o755)
    ended = slot.run(command="./run")
    assert ended.end is End.FAILED
    assert ended.reason.endswith(reason)


def test_a_value_with_a_zero_byte_costs_its_trial_alone(slot: Slot) -> None:
    ended = slot.run(command=f"{PYTHON} train.py {{lr}}", config={"lr": "a\0b"})
    assert ended.end is End.FAILED
    assert "cannot be started: embedded null byte" in ended.reason
