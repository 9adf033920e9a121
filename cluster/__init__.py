"""Where trials run: Ray Tune underneath, the command line on top."""

from . import cpus as cpus  # first of all: before anybody imports torch
