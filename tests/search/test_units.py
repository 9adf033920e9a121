import pytest

from nightsweep.search.units import seconds, size, size_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20GB", 20 * 10**9),
        ("500 mb", 500 * 10**6),
        ("1.5TB", 1_500_000_000_000),
        (" 800KB ", 800_000),
        ("2GiB", 2 * 2**30),
    ],
)
def test_amounts_of_data_are_read_as_people_write_them(text: str, expected: int) -> None:
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "20", "20G", "GB", "-1GB", "1e3GB", "20 GB or so", "20iB"])
def test_what_is_no_amount_of_data_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an amount of data; write 20GB, 500MB or 1\.5TB"):
        size(text)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1234, "1.23 KB"),
        (999_600, "1 MB"),
        (20 * 10**9, "20 GB"),
        (3.2e15, "3.2e+03 TB"),
    ],
)
def test_amounts_of_data_are_shown_in_a_few_digits(count: float, expected: str) -> None:
    assert size_text(count) == expected


def test_durations_add_up() -> None:
    assert seconds("1h30m") == 5400
