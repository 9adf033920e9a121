"""Jobs on a Ray cluster, over HTTP to its jobs server."""
