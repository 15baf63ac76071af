"""Writes obp_values.json: what Open Bandit Pipeline's estimators return of fixed arrays.

    python tests/ope/obp_values.py PYTHON

where PYTHON is that of an environment with obp 0.5.7, numpy, pandas and scikit-learn, which need
none of our packages. The tests compare our estimators with it, and need no obp.
"""

import json
import sys
from pathlib import Path

from recsim_env.benchmark.ope_speed import arrays_of, obp_run

N_ROWS = 600
VALUES = Path(__file__).with_suffix(".json")

if __name__ == "__main__":
    found = obp_run(sys.argv[1], arrays_of(N_ROWS), 0)
    values = {name: value for name, (value, *_) in sorted(found.items())}
    VALUES.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
