"""What is measured of the catalogue, of its makers, and between people: metrics by name."""

from recsim_env.results.metric import Metric

_MAKERS, _BETWEEN = "catalogue and makers", "between people"
_DIAZ = "expected exposure (Diaz et al. 2020), all people as one query (Wu et al. 2022)"
_BIAS = "(Abdollahpouri, Burke and Mobasher 2019), popularity by true liking"
_CHANEY = "Chaney, Stewart and Engelhardt 2018"
_OF_ITEMS = ("item ids", "oracle")
_POPULAR = ("item ids", "expected reward", "lasting items")
_MADE = (*_POPULAR, "makers")
_ALIKE = ("item ids", "consumption", "one person", "tastes")

REACH: dict[str, Metric] = {
    "coverage": Metric(
        "share of items shown at all to anybody; of categories where items have no ids",
        "0 to 1",
        "",
        ("items or categories",),
        "catalogue coverage (Ge, Delgado-Battenfeld and Jannach 2010)",
        group=_MAKERS,
    ),
    "exposure_gini": Metric(
        "how unevenly exposure is shared out among items, or categories where these have no ids",
        "0 all alike to 1",
        "",
        ("items or categories",),
        "Gini 1912; of recommendations Fleder and Hosanagar 2009",
        group=_MAKERS,
    ),
    "popularity": Metric(
        "mean popularity of the items shown: what an average person would get from them",
        "reward",
        "",
        _POPULAR,
        f"ARP {_BIAS}",
        group=_MAKERS,
    ),
    "tail_share": Metric(
        "share of showings of the long tail: all but the fewest items with 80 % of popularity",
        "0 to 1",
        "",
        _POPULAR,
        f"APLT {_BIAS}",
        group=_MAKERS,
    ),
    "exposure_loss": Metric(
        "how far items' exposure is from what the oracle gives them, which shows what each likes",
        "0 the oracle's to 1 as if nothing were shown, and beyond",
        "lower",
        _OF_ITEMS,
        f"EE-L: {_DIAZ}",
        group=_MAKERS,
    ),
    "exposure_disparity": Metric(
        "how concentrated exposure is on few items, beside the oracle's",
        "1 is the oracle's",
        "",
        _OF_ITEMS,
        f"EE-D: {_DIAZ}",
        group=_MAKERS,
    ),
    "exposure_relevance": Metric(
        "how much exposure lies where the oracle's lies",
        "2 is the oracle's",
        "",
        _OF_ITEMS,
        f"EE-R: {_DIAZ}",
        group=_MAKERS,
    ),
    "maker_gini": Metric(
        "how unevenly exposure is shared out among makers",
        "0 all alike to 1",
        "",
        _MADE,
        "Gini 1912",
        group=_MAKERS,
    ),
    "attention_gap": Metric(
        "how far shares of exposure of tenths of makers are from their shares of merit, which is "
        "what an average person would get from their items",
        "0 in proportion to 1",
        "lower",
        _MADE,
        "AWRF (Sapiezynski et al. 2019; Raj and Ekstrand 2022)",
        group=_MAKERS,
    ),
    "exposure_ratio": Metric(
        "exposure per merit of the half of makers with less merit over that of the other half",
        "1 in proportion, below 1 less than due",
        "",
        _MADE,
        "disparate treatment ratio (Singh and Joachims 2018)",
        group=_MAKERS,
    ),
    "makers_active": Metric(
        "makers who are there when an episode ends, for each who was when it began",
        "ratio",
        "higher",
        ("makers who leave",),
        "the scenario's own `active_makers`",
        group=_MAKERS,
    ),
    "overlap_similar": Metric(
        "overlap of what two people of similar true taste consume: items both did of those either "
        "did, mean over the ten nearest of each",
        "0 to 1",
        "",
        _ALIKE,
        f"Jaccard 1912; {_CHANEY}",
        group=_BETWEEN,
    ),
    "overlap_others": Metric(
        "likewise of two people whoever they are",
        "0 to 1",
        "",
        _ALIKE,
        f"Jaccard 1912; {_CHANEY}",
        group=_BETWEEN,
    ),
    "homogenization": Metric(
        "overlap of similar people less that of the same people under the oracle: above 0 they are "
        "made more alike than their tastes call for",
        "-1 to 1",
        "lower",
        (*_ALIKE, "oracle"),
        _CHANEY,
        group=_BETWEEN,
    ),
}
"""Name, as of the column in `metrics.csv`, to what it tells."""
