"""`python -m classicvis` is the command `classicvis`."""

import sys

from classicvis.cli import main

if __name__ == "__main__":
    sys.exit(main())
