"""The GPUs of this machine: which there are, who uses them, and which a sweep leaves alone."""
