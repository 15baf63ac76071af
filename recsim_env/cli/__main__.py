"""Lets `python -m recsim_env.cli` do what `recsim-env` does."""

import sys

from recsim_env.cli import main

sys.exit(main())
