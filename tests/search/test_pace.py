from __future__ import annotations

from nightsweep.search.pace import SLACK, Pace


def pace(*epochs: tuple[int, float | None]) -> Pace:
    """What was learned from epochs: trial, seconds."""
    made = Pace()
    for trial, seconds in epochs:
        made.note(trial, seconds)
    return made


def test_while_nothing_is_known_everything_can_be_trained() -> None:
    assert pace().epoch(1) is None
    assert pace((1, None)).can_train(1, 1000, 1.0)


def test_without_an_end_everything_can_be_trained() -> None:
    assert pace((1, 60.0)).can_train(1, 1000, None)


def test_a_trial_takes_as_long_as_it_took_so_far() -> None:
    known = pace((1, 10.0), (1, 20.0), (2, 1.0), (2, 1.0), (2, 1.0))
    assert (known.epoch(1), known.epoch(2)) == (15.0, 1.0)


def test_another_takes_as_long_as_is_usual_of_late() -> None:
    known = pace(*[(1, 100.0)] * 200, *[(2, 1.0)] * 50, *[(3, 2.0)] * 101, *[(4, 9.0)] * 49)
    assert known.epoch(5) == 2.0


def test_what_is_left_must_hold_all_epochs_and_a_little_more() -> None:
    known = pace((1, 10.0))
    assert known.can_train(1, 3, 30 * SLACK + 0.01)
    assert not known.can_train(1, 3, 30 * SLACK - 0.01)
