"""Searches that other tools have done, read from the files that they leave."""
