"""Sweeps of other tools, read as ours: one format a file, text in, a draft of a sweep file out.

Nothing of them is ever run. `nightsweep import FILE` (cluster/importing.py) reads and writes.
"""
