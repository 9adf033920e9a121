"""Sweeps at a time of the day: started by cron, systemd, Slurm or Kubernetes; no own daemon."""
