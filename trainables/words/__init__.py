"""Texts that trainables learn from: found in a table, cut into words, made numbers."""
