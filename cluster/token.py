"""A token for the Ray that a driver starts: nobody else may join it or send it work.

Ray's own would be `~/.ray/auth_token`: one for all clusters, written with the modes that the umask
leaves (readable by everyone, as a rule), and nowhere if the home is read-only.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping

from ray._raylet import AuthenticationTokenLoader  # type: ignore[attr-defined]

MODE, TOKEN, PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"


@contextlib.contextmanager
def own_token() -> Iterator[None]:
    """Ray processes that are started meanwhile have a token of their own.

    It lies in this process's memory, where only its user and root can read it, and is gone with
    the process, however that ends. What the user has set about tokens is left as it is.
    """
    if decided(os.environ):
        yield
        return
    file = os.memfd_create("token")
    try:
        os.write(file, secrets.token_hex(32).encode())
        os.environ[PATH] = f"/proc/{os.getpid()}/fd/{file}"
        AuthenticationTokenLoader.instance().reset_cache()
        yield
    finally:
        os.environ.pop(PATH, None)
        AuthenticationTokenLoader.instance().reset_cache()
        os.close(file)


def decided(environ: Mapping[str, str]) -> bool:
    """Whether the user has a token for this cluster, or wants another mode."""
    mode = environ.get(MODE, "token").lower()
    return mode != "token" or TOKEN in environ or PATH in environ
