"""What is told of the people who are served; `recsim_env.metrics` has the definitions."""

from recsim_env.results.metric import Metric

PEOPLE: dict[str, Metric] = {
    "liking": Metric(
        "mean true expected reward of the items shown, each as if shown alone",
        "reward",
        "higher",
        ("expected reward",),
        "the scenario's own `expected_reward`",
        along=True,
    ),
    "diversity": Metric(
        "mean distance of two items of one slate: 1 - cosine, or 1 where categories differ",
        "distance",
        "",
        ("likeness", "slates"),
        "intra-list diversity (Ziegler et al. 2005)",
        along=True,
    ),
    "feature_range": Metric(
        "mean over the directions of `item_vector` of how far apart a slate's items lie in it",
        "as of the vectors",
        "",
        ("item vectors", "slates"),
        "average feature score range (Willemsen et al. 2016)",
        along=True,
    ),
    "consumed_diversity": Metric(
        "mean distance of two items that a person consumes in one visit, as in `diversity`",
        "distance",
        "",
        ("one person", "consumption", "likeness"),
        "intra-list diversity (Ziegler et al. 2005) of what was consumed",
    ),
    "consumed_entropy": Metric(
        "entropy of the categories of what a person consumes in one visit",
        "bits",
        "",
        ("one person", "consumption", "categories"),
        "Shannon 1948",
    ),
    "novelty": Metric(
        "mean self-information -log2 p of the items shown; p is an item's share of what the same "
        "people consume of uniform slates",
        "bits",
        "",
        ("item ids", "consumption"),
        "Zhou et al. 2010; Vargas and Castells 2011",
        along=True,
    ),
    "serendipity": Metric(
        "mean over the items shown of their distance to what was consumed before in the visit, "
        "where they are truly liked better than what uniform slates show; 0 where they are not",
        "distance",
        "higher",
        ("one person", "consumption", "likeness", "expected reward"),
        "Vargas and Castells 2011 (distance-based, with relevance); Ge et al. 2010",
        along=True,
    ),
    "miscalibration": Metric(
        "divergence of the categories that a person is shown in one visit from their true taste",
        "nats",
        "lower",
        ("one person", "categories", "expected reward"),
        "C_KL of Steck 2018, against true taste",
    ),
    "taste_spread": Metric(
        "entropy of a person's true taste at the end of a visit",
        "bits",
        "",
        ("one person", "tastes", "expected reward"),
        "T-RECS (Lucherini et al. 2021), of shares of liking",
    ),
    "taste_narrowing": Metric(
        "how much that entropy fell in the visit: above 0, a filter bubble",
        "bits",
        "lower",
        ("one person", "tastes", "expected reward"),
        "Nguyen et al. 2014; T-RECS (Lucherini et al. 2021)",
    ),
    "taste_drift": Metric(
        "how far a person's true taste moved in a visit: half the absolute change of its shares",
        "0 to 1",
        "",
        ("one person", "tastes", "expected reward"),
        "T-RECS (Lucherini et al. 2021); total variation",
    ),
    "worst_tenth_return": Metric(
        "mean return of the tenth of the visits that earn least",
        "return",
        "higher",
        (),
        "conditional value at risk (Rockafellar and Uryasev 2000)",
    ),
    "regret": Metric(
        "mean over visits of what the oracle earns more of the same person",
        "return",
        "lower",
        ("oracle",),
        "regret, on common random numbers",
    ),
    "regret_median": Metric(
        "median of that over visits", "return", "lower", ("oracle",), "quantile of regret"
    ),
    "regret_p90": Metric(
        "the regret that a tenth of the visits exceed",
        "return",
        "lower",
        ("oracle",),
        "quantile of regret",
    ),
    "regret_worst_tenth": Metric(
        "mean regret of the tenth of the visits where it is greatest",
        "return",
        "lower",
        ("oracle",),
        "conditional value at risk (Rockafellar and Uryasev 2000)",
    ),
    "regret_worst_group": Metric(
        "mean regret of the group of people where it is greatest, over all groups by each trait",
        "return",
        "lower",
        ("one person", "oracle", "traits"),
        "worst-case group risk (Hashimoto et al. 2018)",
    ),
    "regret_niche": Metric(
        "mean regret of the quarter of the people whose true taste is least like the average",
        "return",
        "lower",
        ("one person", "oracle", "tastes", "expected reward"),
        "niche users (Abdollahpouri et al. 2019)",
    ),
    "first_session_reward": Metric(
        "reward per slate in the first session of an episode",
        "reward",
        "higher",
        ("sessions",),
        "mean reward, by session",
    ),
    "later_session_reward": Metric(
        "reward per slate in all sessions after the first",
        "reward",
        "higher",
        ("sessions",),
        "mean reward, by session",
    ),
    "regretted": Metric(
        "share of what a slate makes people consume that they would rather have done without",
        "share",
        "lower",
        ("consumption", "intentions"),
        "engagement without value (Kleinberg et al. 2022)",
        along=True,
    ),
}
"""Name to what it tells."""

TELLING = (
    *("liking", "diversity", "consumed_diversity", "consumed_entropy", "novelty", "serendipity"),
    *("miscalibration", "taste_narrowing", "taste_drift", "regret", "regret_worst_tenth"),
    *("regret_worst_group", "regretted"),
)
"""Those that a report shows, in its order."""
