"""Pictures that trainables learn from: read, looked at, divided, and changed at random."""
