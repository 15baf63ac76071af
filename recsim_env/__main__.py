"""Lets `python -m recsim_env` do what `recsim-env` does."""

import sys

from recsim_env.cli import main

if __name__ == "__main__":
    sys.exit(main())
