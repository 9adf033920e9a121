"""Joining a Ray cluster: its address, what its nodes are asked and sent, what it is told."""
