"""Jobs in a Slurm allocation, with a Ray of their own on its nodes."""
