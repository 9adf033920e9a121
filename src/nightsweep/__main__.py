"""`python -m nightsweep`."""

from nightsweep.cluster.cli import main

if __name__ == "__main__":
    main()
