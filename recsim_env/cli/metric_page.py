"""The page of metrics, written from what the code says of them."""

from recsim_env.cli.markdown import table
from recsim_env.results.metrics import METRICS, N_MEASURED, NEEDS, PARTS

_STARTS = f"{', '.join(map(str, PARTS[:-1]))} and {PARTS[-1]}"

_HEAD = f"""\
# Metrics

A benchmark measures more than the return: what people are shown, what it does to them, and who is
served worst. While an agent is evaluated, a meter watches the first {N_MEASURED} visits and adds
up what each metric needs; it keeps no log, and changes nothing that happens. The numbers stand in
`metrics.csv`, beside `rows.csv`: a row for each evaluation while learning, one for the last
evaluation, and one for each part of its visits, which begin with slate {_STARTS}. Parts double
because few people stay for long; those who do are not like the others, so compare agents within a
part rather than parts with each other.

    recsim-env benchmark MusicStreaming --agents linucb              # measures as it goes
    recsim-env benchmark MusicStreaming --agents linucb --measure    # and what was played before
    recsim-env metrics                                               # what there is

```python
from recsim_env.benchmark import evaluate
from recsim_env.agents.references.uniform import Uniform
from recsim_env.envs import RecommendationVectorEnv

env = RecommendationVectorEnv("InterestEvolution", num_envs=10)
found = evaluate(Uniform(env), "InterestEvolution", n_episodes=10, seed=0, measure=True)
assert 0 < found.measured.values["diversity"] < 1
```

`recsim_env.results.measured.metric_standings` reads a folder: each metric by agent, with
intervals over seeds, and differences from another agent, paired by seed.

**True taste.** Many definitions need what a person likes, which a log can only guess from what
was consumed. Here it is known: a person's taste is the share of each category in what they would
get from items drawn by chance, by the scenario's own `expected_reward`. Where items have no
categories, the shares are those of single items. Of a person at the end of a visit only the
fields that are their taste are taken: being tired, or short of time, is no change of taste.

**Others.** Novelty, serendipity and regret compare with how the same people are served otherwise:
by uniform slates, and by the oracle, with common random numbers. These two are played once per
process.

**Which direction is good** is not always known. Less diversity may serve a person of narrow
taste; a taste that moves may widen. The table says so only where a definition does. A worst group
is the worst of several: with few visits in each, some group is worst by chance, in every agent
alike.

What a scenario lacks is left empty; what it must declare is in the last table."""


def metrics_page() -> str:
    """Returns a Markdown page: every metric, and what scenarios must have."""
    parts = [_HEAD]
    for group in dict.fromkeys(metric.group for metric in METRICS.values()):
        rows = [
            [
                f"`{name}`",
                metric.meaning,
                metric.unit,
                metric.better or "–",
                ", ".join(metric.needs) or "–",
                "yes" if metric.along else "",
                metric.source,
            ]
            for name, metric in METRICS.items()
            if metric.group == group
        ]
        head = ["metric", "meaning", "unit", "better", "needs", "along the visit", "source"]
        parts += [f"## {group[0].upper()}{group[1:]}", table(head, rows)]
    needs = table(["need", "what gives it"], [[name, said] for name, said in NEEDS.items()])
    return "\n\n".join([*parts, "## What metrics need of a scenario", needs])
