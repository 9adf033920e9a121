"""`nightsweep doctor`: what this machine has, and what of it would limit or stop a sweep."""
