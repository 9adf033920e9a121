import io

from rich.table import Table

from nightsweep.cluster.console import Console, visible


def test_control_characters_of_a_text_are_shown_and_do_nothing() -> None:
    out = io.StringIO()
    console = Console(file=out, width=60)
    console.print("a\x1b[31mb\x9d52;c;eA==\x07 \u00fc\tc\nd", markup=False, highlight=False)
    table = Table("na\x1bme")
    table.add_row("\x1b]0;title\x07")
    console.print(table)
    assert "a\\x1b[31mb\\x9d52;c;eA==\\x07 \u00fc" in out.getvalue()
    assert "na\\x1bme" in out.getvalue()
    assert "\\x1b]0;title\\x07" in out.getvalue()
    assert not set(out.getvalue()) & {"\x1b", "\x07", "\x9d"}


def test_colours_of_our_own_are_obeyed() -> None:
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system="standard").print("[bold]best[/]")
    assert out.getvalue() == "\x1b[1mbest\x1b[0m\n"


def test_plain_text_stays_as_it_is() -> None:
    assert visible("lr 0.1\n\tü – ok") == "lr 0.1\n\tü – ok"
