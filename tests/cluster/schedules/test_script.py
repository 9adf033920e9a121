from __future__ import annotations

import subprocess
from pathlib import Path

from nightsweep.cluster.schedules.script import captured, private, script

from .plan import entry

ENVIRON = {
    "HOME": "/home/ann",
    "PATH": "/home/ann/my project/.venv/bin:/usr/bin",
    "VIRTUAL_ENV": "/home/ann/my project/.venv",
    "LD_LIBRARY_PATH": "/opt/cuda/lib64",
    "CUDA_VISIBLE_DEVICES": "0,1",
    "HF_HOME": "/data/hf",
    "HF_TOKEN": "hf_s3cret",
    "WANDB_API_KEY": "k3y",
    "https_proxy": "http://ann:hunter22@proxy:3128",
    "http_proxy": "http://proxy:3128",
    "all_proxy": "ann:hunter22@proxy:1080",
    "RAY_AUTH_TOKEN": "t0ken",
    "RAY_AUTH_TOKEN_PATH": "/home/ann/.ray/token",
    "SHLVL": "2",
    "SSH_AUTH_SOCK": "/tmp/agent",
    "BASH_FUNC_x%%": "() {\n}",
}


def test_a_night_gets_what_training_needs_and_no_secret() -> None:
    found = captured(ENVIRON)
    assert " ".join(found.values) == (
        "CUDA_VISIBLE_DEVICES HF_HOME HOME LD_LIBRARY_PATH PATH RAY_AUTH_TOKEN_PATH VIRTUAL_ENV "
        "http_proxy"
    )
    assert found.secret == (
        "HF_TOKEN", "RAY_AUTH_TOKEN", "WANDB_API_KEY", "all_proxy", "https_proxy",
    )  # fmt: skip


def test_no_secret_stands_anywhere_in_the_script(tmp_path: Path) -> None:
    one = entry(tmp_path)
    text = script(one.schedule, one.place, ENVIRON)
    assert not [secret for secret in ("s3cret", "k3y", "hunter22", "t0ken") if secret in text]


def test_the_script_sets_the_environment_and_starts_the_night_in_its_folder(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "it's mine"
    one = entry(folder)
    one.place.path.mkdir(parents=True)
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"; pwd; echo "$VIRTUAL_ENV" $TOKEN $LOADED\n')
    python.chmod(0o755)
    environ = ENVIRON | {"HOME": str(tmp_path)}
    own = private(environ)
    assert own == tmp_path / ".config" / "nightsweep" / "environment"
    own.parent.mkdir(parents=True)
    own.write_text("export TOKEN=mine\n")
    activate = folder / "activate"
    activate.write_text("export LOADED=cuda\n")
    # as on a desk: bash has `source`, a plain sh has none
    text = script(one.schedule, one.place, environ, [f'source "{activate}"'], str(python))
    one.place.script.write_text(text)
    one.place.script.chmod(0o700)
    subprocess.run([str(one.place.script)], check=True, env={"PATH": "/usr/bin:/bin"})
    assert one.place.log.read_text().splitlines() == [
        "-P -m nightsweep tonight digits --due",
        str(folder),
        "/home/ann/my project/.venv mine cuda",
    ]


def test_a_folder_that_has_gone_is_a_refusal_in_the_log(tmp_path: Path) -> None:
    one = entry(tmp_path / "gone")
    text = script(one.schedule, one.place, {"HOME": str(tmp_path)}, python="false")
    one.place.path.mkdir(parents=True)
    one.place.script.write_text(text.replace(f"cd {tmp_path}/gone", f"cd {tmp_path}/nowhere"))
    done = subprocess.run(["bash", str(one.place.script)], env={})
    assert done.returncode == 2
    assert "nowhere" in one.place.log.read_text()
