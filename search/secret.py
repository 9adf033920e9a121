"""Keeps the secrets of the environment out of what is written down.

A training function that fails may name them: `could not connect to https://ann:hunter22@db/x`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

HIDDEN = "***"
SHORTEST = 6  # characters; a shorter value stands in too many words that are none
NAMES = re.compile(
    r"(SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|KEY)S?(_|$)|(^PASS|_PASS|_PWD|_PW)(_|$)",
    re.IGNORECASE,
)
LOGIN = re.compile(r"(?<=://)[^\s/@]+(?=@)")  # of an address, as in https://user:password@host


@dataclass(frozen=True, slots=True)
class Secrets:
    """Texts that are not to be shown. Whole values are found, not parts or other spellings."""

    pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Secrets:
        """The values of variables whose names say so, and the passwords in addresses."""
        values = {text for text in _texts(environ) if len(text) >= SHORTEST}
        longest_first = sorted(values, key=lambda text: (-len(text), text))
        return cls(re.compile("|".join(map(re.escape, longest_first))) if values else None)

    def hide(self, text: str) -> str:
        """The text with `***` for each of them, and for the login in any address."""
        shown = self.pattern.sub(HIDDEN, text) if self.pattern else text
        return LOGIN.sub(HIDDEN, shown) if "://" in shown else shown


def _texts(environ: Mapping[str, str]) -> Iterator[str]:
    for name, value in environ.items():
        if NAMES.search(name):
            yield value.strip()
            yield repr(value)[1:-1]  # as it stands in the text of many an exception
            yield from (line.strip() for line in value.splitlines())
        for login in LOGIN.findall(value):
            password = login.partition(":")[2]
            yield from (password, unquote(password))
