"""Tables that trainables learn from: read, with a target, and split."""
