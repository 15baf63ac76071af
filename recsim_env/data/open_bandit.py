"""Fetches the sample of the Open Bandit Dataset: 10,000 logged recommendations of each policy.

A shop for fashion showed three items of 80 ("all") at a time, chosen uniformly ("random") or by
Bernoulli Thompson sampling ("bts"), and logged clicks and propensities of places. The data are
ZOZO's, who released them for research; the sample comes with the package of Open Bandit Pipeline,
and is fetched and never kept with this project.
`python -m recsim_env.data.open_bandit` prints the folder.

Source: Saito, Aihara, Matsutani and Narita 2021, "Open Bandit Dataset and Pipeline: towards
  realistic and reproducible off-policy evaluation".
"""

from __future__ import annotations

from pathlib import Path

from recsim_env.data.fetching import PackagedData

#: Who chose, and where: the folders of the sample.
POLICIES, CAMPAIGNS = ("random", "bts"), ("all", "men", "women")

OPEN_BANDIT_SAMPLE = PackagedData(
    title="the sample of the Open Bandit Dataset",
    requirement="obp==0.4.1",
    inside="obp/",
    files=(
        *(
            f"dataset/obd/{policy}/{campaign}/{name}.csv"
            for policy in POLICIES
            for campaign in CAMPAIGNS
            for name in (campaign, "item_context")
        ),
        "policy/conf/prior_bts.yaml",  # of Thompson sampling, as it was played
    ),
    folder="open-bandit",
    command="python -m recsim_env.data.open_bandit",
)


def open_bandit_path() -> Path:
    """Returns the folder with the sample, laid out as in its package.

    Raises:
      FileNotFoundError: it was not fetched yet; the message has the command.
    """
    return OPEN_BANDIT_SAMPLE.path()


if __name__ == "__main__":
    print(OPEN_BANDIT_SAMPLE.fetch())
