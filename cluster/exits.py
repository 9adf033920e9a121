"""How a command can end, for shells and schedulers; docs/command-line.md tells people."""

from __future__ import annotations

DONE = 0
NOTHING_FOUND = 1  # done, and no trial has reported a finite value
BAD_INPUT = 2
CLUSTER_DOWN = 69  # EX_UNAVAILABLE of sysexits.h
RESUME_ME = 75  # EX_TEMPFAIL
AT_ONCE = 130  # after a second signal, as shells have it for Ctrl-C
