from __future__ import annotations

import pytest

from nightsweep.search import Sweep
from nightsweep.search.errors import Problem, SweepError
from nightsweep.search.schedulers import Asha, Decision, Hyperband
from nightsweep.search.schedulers.brackets import Brackets
from nightsweep.search.schedulers.halving import Halving


def firsts(asha: Asha, max_epochs: int = 27) -> list[int]:
    """The first rung of each bracket."""
    built = asha.build(max_epochs)
    brackets = built.brackets if isinstance(built, Brackets) else [built]
    return [bracket.next_rung(1, 0) for bracket in brackets]


def test_a_grace_beyond_the_last_epoch_is_a_problem() -> None:
    message = "grace 10 is beyond max_epochs 9; lower it"
    problem = Problem(key=("scheduler", "grace"), message=message)
    assert list(Asha(grace=10).problems(9)) == [problem]
    assert list(Asha(grace=9).problems(9)) == []


@pytest.mark.parametrize(
    ("mode", "max_epochs", "expected"),
    [
        ("aggressive", 27, [1]),
        ("standard", 27, [1, 3]),
        ("conservative", 27, [1, 3, 9, 27]),
        ("standard", 9, [1, 3]),
        ("standard", 2, [1]),
        ("conservative", 1, [1]),
    ],
)
def test_a_mode_is_a_number_of_brackets(mode: str, max_epochs: int, expected: list[int]) -> None:
    assert firsts(Asha.model_validate({"mode": mode}), max_epochs) == expected


def test_aggressive_is_the_default_and_one_ladder() -> None:
    assert isinstance(Asha().build(27), Halving)
    assert Asha(mode="aggressive") == Asha()


def test_conservative_deals_trials_out_like_hyperband() -> None:
    ours, its = Asha(mode="conservative").build(27), Hyperband().build(27)
    assert isinstance(ours, Brackets)
    assert [ours.bracket(t) for t in range(1, 99)] == [its.bracket(t) for t in range(1, 99)]


def test_standard_leaves_out_the_brackets_that_stop_late_and_keeps_the_shares() -> None:
    built = Asha(mode="standard").build(27)
    assert isinstance(built, Brackets)
    dealt = [built.bracket(trial) for trial in range(1, 1 + 39)]
    assert (dealt.count(0), dealt.count(1)) == (27, 12)


def test_only_the_first_bracket_probes_its_first_rung() -> None:
    built = Asha(mode="conservative").build(27)
    assert isinstance(built, Brackets)
    probes = [[rung.probes for rung in bracket.rungs.values()] for bracket in built.brackets]
    assert probes == [[8, 0, 0], [0, 0], [0], []]


@pytest.mark.parametrize(("audit", "every"), [(0.03, 33), (0.5, 2), (0, 0)])
def test_the_audit_is_each_so_many_th_arrival(audit: float, every: int) -> None:
    built = Asha(audit=audit).build(27)
    assert isinstance(built, Halving)
    assert [rung.every for rung in built.rungs.values()] == [every] * 3


@pytest.mark.parametrize("audit", [-0.1, 0.6])
def test_an_audit_is_a_share_up_to_a_half(audit: float) -> None:
    with pytest.raises(SweepError, match=r"scheduler.audit: must be at (least 0|most 0\.5)"):
        Sweep(
            metric="loss",
            parameters={"x": {"min": 0.0, "max": 1.0}},
            scheduler={"name": "asha", "audit": audit},
        )


def test_the_stopping_form_spares_checkpoints_and_stops_where_the_other_pauses() -> None:
    stopping, promotion = Asha(form="stopping", audit=0), Asha(audit=0)
    assert (stopping.pauses, promotion.pauses) == (False, True)
    for asha, decision in ((stopping, Decision.STOP), (promotion, Decision.PAUSE)):
        built = asha.build(27)
        built.arrived(1, 1, 0.1, Decision.CONTINUE)
        assert built.judge(2, 1, 0.2, can_pause=True).decision is decision
