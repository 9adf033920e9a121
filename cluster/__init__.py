"""Where trials run: Ray Tune underneath, the command line on top."""
