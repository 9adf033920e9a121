"""A command line with placeholders: its words, and what is put into them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nightsweep.search.errors import SweepError
from nightsweep.search.ready import Command, template
from nightsweep.search.sweep import Sweep

SPACE: dict[str, Any] = {
    "metric": "loss",
    "parameters": {"lr": {"min": 0.1, "max": 1.0}, "a b": 1},
}


@pytest.mark.parametrize(
    ("line", "values", "words"),
    [
        ("python train.py --lr {lr}", {"lr": 1e-05}, ["python", "train.py", "--lr", "1e-05"]),
        ("a 'b c' \"d\" \\\n  --x={x}{y}", {"x": 1, "y": "z z"}, ["a", "b c", "d", "--x=1z z"]),
        ("a '{{\"lr\": {lr}}}' {{x}}", {"lr": 2}, ["a", '{"lr": 2}', "{x}"]),
        ("a {x}", {"x": "'; rm -rf {y} $(z) \\"}, ["a", "'; rm -rf {y} $(z) \\"]),
        ("a {x}", {"x": ""}, ["a", ""]),
        (
            "a {x} {y} {z}",
            {"x": None, "y": [1, "b"], "z": True},
            ["a", "null", '[1, "b"]', "true"],
        ),
        ("a --m {m} -n={n} {k} -- {m} -x", {"k": -0.5}, ["a", "-0.5", "--", "-x"]),
        ("a {k} {m} -x", {"k": "-k"}, ["a", "-k", "-x"]),
    ],
)
def test_values_are_put_into_the_words(line: str, values: Any, words: list[str]) -> None:
    assert template.filled(template.words(line), values) == words


def test_every_name_of_the_sweep_and_of_a_trial_may_stand_there() -> None:
    names = "lr", "epochs", "trial", "seed", "folder", "checkpoint", "config", "device", "'{a b}'"
    line = " ".join(f"{{{name}}}" if "'" not in name else name for name in names)
    sweep = Sweep(command=f"python train.py {line}", **SPACE)
    assert Sweep(**sweep.model_dump(mode="json")) == sweep


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("python t.py --lr {lrate}", "{lrate} is no parameter of this sweep.*Did you mean"),
        ("python t.py 'x", "command: has a quote that is not closed"),
        ("python t.py | tee log", "without a shell, which | needs: write sh -c"),
        ("python t.py > log", "without a shell, which > needs"),
        ("python t.py 2>&1", "without a shell, which 2>&1 needs"),
        ("cd x && python t.py", "without a shell, which && needs"),
        ("python t.py 2>/dev/null", "without a shell, which 2>/dev/null needs"),
        ("python t.py >>log.txt", "without a shell, which >>log.txt needs"),
        ("python t.py --lr $lr", "no shell reads $lr: write {lr}"),
        ("python t.py --lr=${{lr}}", "no shell reads --lr=${{lr}}: write {lr}"),
        ("python t.py --lr ${lr}", "no shell reads ${lr}: write {lr}"),
        ("python t.py {}", "a brace that is no placeholder, in {}: {lr} stands for"),
        ('python t.py \'{"a": {"b": 1}}\'', "a brace that is no placeholder"),
        ("", "command: is empty; write"),
        ("   ", "command: is empty; write the program"),
        (7, "command: must be text, not 7"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused(command: Any, message: str) -> None:
    escaped = re.sub(r"([|{}$])", r"\\\1", message)
    with pytest.raises(SweepError, match=escaped):
        Sweep(command=command, **SPACE)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a --sep '|' --above '>3'", ["a", "--sep", "|", "--above", ">3"]),
        ("sh -c 'a {lr} 2>/dev/null | tee b'", ["sh", "-c", "a 1 2>/dev/null | tee b"]),
        ('sh -c "a | \\"b\\" > c" d', ["sh", "-c", 'a | "b" > c', "d"]),
        ("sh -c 'lr=$lr a'", ["sh", "-c", "lr=$lr a"]),
    ],
)
def test_what_stands_in_quotes_is_no_shells(line: str, words: list[str]) -> None:
    sweep = Sweep(command=line, **SPACE)
    assert isinstance(sweep.trainable, Command)
    assert template.filled(sweep.trainable.words, {"lr": 1}) == words


def test_settings_of_a_command_that_cannot_be_are_refused() -> None:
    with pytest.raises(SweepError, match=r"trainable\.grace: must be at most 50, not 120"):
        Sweep(trainable={"name": "command", "run": "a", "grace": "2m"}, **SPACE)
    with pytest.raises(
        SweepError, match=r"a\.b and a_b would both be \$NIGHTSWEEP_PARAM_A_B; rename"
    ):
        Sweep(command="a", metric="loss", parameters={"a.b": 1, "a_b": {"values": [1, 2]}})
    with pytest.raises(SweepError, match="parameters: is missing"):
        Sweep(command="a", metric="loss")


def test_a_mistake_is_told_with_the_line_of_the_command(tmp_path: Any) -> None:
    from nightsweep.search.sweepfile import load

    file = tmp_path / "sweep.yaml"
    file.write_text("metric: loss\ncommand: a {x}\nparameters: {lr: {min: 0.1, max: 1.0}}\n")
    with pytest.raises(SweepError, match=r"sweep\.yaml:2: command: \{x\} is no parameter"):
        load(file)
