"""Programs as trainables: what they are started with, heard by, and ended with."""
