"""Sweeps as jobs: submitted to a site, watched, stopped and fetched from there."""
