"""Metrics of people, against a plain re-implementation of what was written down step by step."""

import math
from itertools import combinations

import numpy as np
import pytest

from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.metrics import Backdrop, Meter
from recsim_env.metrics.profiles import entropy
from recsim_env.metrics.regrets import mean_of_worst
from recsim_env.metrics.slates import mean_distance
from recsim_env.metrics.visits import miscalibration
from recsim_env.results.metrics import METRICS

N_SLOTS, N_EPISODES = 6, 3

WORLDS = {
    "MusicStreaming": {"n_items": 40, "n_users": 20, "slate_size": 3, "n_candidates": 8},
    "InterestEvolution": {"n_topics": 4, "time_budget": 30.0},
    "ShortVideo": {"n_items": 40, "n_users": 20, "n_days": 3},
}


def played(name, *, shift=0, backdrop=None):
    """Returns what a meter says of slates that turn with the step, and the steps themselves."""
    env = RecommendationVectorEnv(resolve_scenario(name, **WORLDS[name]), num_envs=N_SLOTS)
    env.reset(seed=4)
    meter = Meter(env, N_EPISODES, backdrop)
    scenario = env.scenario
    visits = {}
    episode, begins = np.zeros(N_SLOTS, int), np.zeros(N_SLOTS, bool)
    for step in range(10_000):
        turn = (step * (1 + shift) + np.arange(scenario.slate_size)) % scenario.n_candidates
        slates = np.tile(turn, (N_SLOTS, 1))
        before, items = env.state, env.items
        expected = env.liking(slates)
        meter.before(slates)
        _, rewards, terminated, truncated, _ = env.step(slates)
        meter.after(rewards, terminated | truncated)
        after = env.state
        for slot in np.flatnonzero(~begins & (episode < N_EPISODES)):
            places = np.flatnonzero(after["slate"][slot] >= 0)
            steps = visits.setdefault((slot, episode[slot]), [])
            steps.append(
                {
                    "items": items[slot, turn[places]],
                    "ids": after["slate"][slot][places],
                    "liking": expected[slot][places],
                    "clicked": after["response"]["clicked"][slot][places],
                    "response": after["response"][slot][places],
                    "reward": rewards[slot],
                    "before": before["user"][slot],
                    "after": after["user"][slot],
                }
            )
        begins = ~begins & (terminated | truncated)
        episode = np.minimum(episode + begins, N_EPISODES)
        if (episode == N_EPISODES).all():
            return env, meter.measurement(), [visits[key] for key in sorted(visits)]
    raise AssertionError("endless")


def distance(scenario, a, b):
    """Returns how unlike two item records are."""
    if scenario.item_vector is None:
        return float(a[scenario.category] != b[scenario.category])
    u, v = (np.asarray(each[scenario.item_vector], float) for each in (a, b))
    return 1 - u @ v / math.sqrt((u @ u) * (v @ v))


def mean(values):
    known = [value for value in values if value == value]
    return sum(known) / len(known)


@pytest.fixture(scope="module", params=sorted(WORLDS))
def served(request):
    _, uniform, _ = played(request.param)
    _, oracle, _ = played(request.param, shift=1)
    backdrop = Backdrop(uniform, oracle)
    return (backdrop, *played(request.param, shift=2, backdrop=backdrop))


def test_slates_are_as_diverse_liked_and_regretted_as_pair_by_pair(served):
    _, env, found, visits = served
    scenario = env.scenario
    slates = [step for steps in visits for step in steps]
    assert math.isclose(found.values["liking"], mean([s["liking"].mean() for s in slates]))
    pairs = [
        mean([distance(scenario, *pair) for pair in combinations(slate["items"], 2)])
        for slate in slates
        if len(slate["items"]) > 1
    ]
    assert math.isclose(found.values["diversity"], mean(pairs), rel_tol=1e-5)
    if scenario.regretted is None:
        assert "regretted" not in found.values
        return
    shares = [
        mean([float(scenario.regretted(one)) for one in s["response"] if one["clicked"]])
        for s in slates
        if s["clicked"].any()
    ]
    assert math.isclose(found.values["regretted"], mean(shares))


def test_novelty_and_serendipity_are_as_counted_item_by_item(served):
    backdrop, env, found, visits = served
    scenario, bar = env.scenario, backdrop.uniform.values["liking"]
    serendipity, novelty = [], []
    for steps in visits:
        history = []
        for slate in steps:
            if history:
                worth = [
                    (liking > bar) * mean([distance(scenario, item, past) for past in history])
                    for item, liking in zip(slate["items"], slate["liking"], strict=True)
                ]
                serendipity.append(mean(worth))
            history += list(slate["items"][slate["clicked"]])
            if scenario.n_items:
                counts = backdrop.uniform.details["consumption"] + 1
                novelty.append(mean([-math.log2(counts[i] / counts.sum()) for i in slate["ids"]]))
    assert math.isclose(found.values["serendipity"], mean(serendipity), rel_tol=1e-4)
    assert bool(novelty) == ("novelty" in found.values)
    if novelty:
        assert math.isclose(found.values["novelty"], mean(novelty))


def test_visits_are_as_mixed_and_calibrated_as_category_by_category(served):
    _, env, found, visits = served
    scenario = env.scenario
    pool = Meter(env, 1)._stage.pool
    kinds = sorted(set(range(int(pool[scenario.category].max()) + 1)))
    diversity, mixed, off = [], [], []
    for steps in visits:
        shown = [int(item[scenario.category]) for s in steps for item in s["items"]]
        taken = [item for s in steps for item in s["items"][s["clicked"]]]
        pairs = [distance(scenario, *pair) for pair in combinations(taken, 2)]
        diversity.append(mean(pairs) if pairs else math.nan)
        shares = [
            mean([float(item[scenario.category] == kind) for item in taken])
            for kind in {int(item[scenario.category]) for item in taken}
        ]
        mixed.append(-sum(share * math.log2(share) for share in shares) if taken else math.nan)
        worth = np.maximum(env.liking_of(np.array([steps[0]["before"]]), pool)[0], 0.0)
        taste = [worth[pool[scenario.category] == kind].sum() / worth.sum() for kind in kinds]
        divergence = 0.0
        for kind, p in zip(kinds, taste, strict=True):
            q = 0.99 * shown.count(kind) / len(shown) + 0.01 * p
            divergence += p * math.log(p / q) if p > 0 else 0.0
        off.append(divergence)
    assert math.isclose(found.values["consumed_diversity"], mean(diversity), rel_tol=1e-5)
    assert math.isclose(found.values["consumed_entropy"], mean(mixed), rel_tol=1e-9)
    if scenario.n_items:  # the sample of fresh items was another when the visits began
        assert math.isclose(found.values["miscalibration"], mean(off), rel_tol=1e-9)


def test_tastes_move_as_the_people_themselves_do(served):
    _, env, found, visits = served
    scenario = env.scenario
    if not scenario.n_items:
        return
    pool = Meter(env, 1)._stage.pool

    def taste(user):
        worth = np.maximum(env.liking_of(np.array([user]), pool)[0], 0.0)
        kinds = range(int(env.catalogue[scenario.category].max()) + 1)
        return np.array([worth[pool[scenario.category] == kind].sum() for kind in kinds])

    spread, drift = [], []
    for steps in visits:
        end = steps[0]["before"].copy()
        for name in scenario.state_groups["taste"]:
            end[name] = steps[-1]["after"][name]
        old, new = (each / each.sum() for each in (taste(steps[0]["before"]), taste(end)))
        spread.append(-sum(p * math.log2(p) for p in new if p > 0))
        drift.append(abs(new - old).sum() / 2)
    assert math.isclose(found.values["taste_spread"], mean(spread), rel_tol=1e-9)
    assert math.isclose(found.values["taste_drift"], mean(drift), rel_tol=1e-9, abs_tol=1e-12)


def test_regret_is_taken_visit_by_visit(served):
    backdrop, env, found, visits = served
    returns = np.array([sum(step["reward"] for step in steps) for steps in visits])
    np.testing.assert_allclose(found.details["returns"], returns)
    regret = backdrop.oracle.details["returns"] - returns
    assert math.isclose(found.values["regret"], regret.mean())
    assert math.isclose(found.values["regret_median"], np.median(regret))
    groups = []
    for trait in env.scenario.traits:
        values = np.array([float(steps[0]["before"][trait]) for steps in visits])
        cuts = np.quantile(values, [0.25, 0.5, 0.75])
        of = values if (values == np.rint(values)).all() else (values[:, None] > cuts).sum(axis=1)
        groups += [regret[of == one].mean() for one in np.unique(of)]
    assert bool(groups) == ("regret_worst_group" in found.values)
    if groups:
        assert math.isclose(found.values["regret_worst_group"], max(groups), rel_tol=1e-9)


def test_first_and_later_sessions_are_told_apart(served):
    _, env, found, visits = served
    if env.scenario.session_count is None or getattr(env.scenario, "n_days", 0) == 0:
        assert "first_session_reward" not in found.values
        return
    first = [s["reward"] for v in visits for s in v if s["before"]["n_sessions"] == 1]
    later = [s["reward"] for v in visits for s in v if s["before"]["n_sessions"] > 1]
    assert math.isclose(found.values["first_session_reward"], mean(first))
    assert math.isclose(found.values["later_session_reward"], mean(later))


def test_what_is_measured_is_explained(served):
    assert set(served[2].values) <= set(METRICS)


def test_closed_forms():
    orthogonal = mean_distance(np.array([3.0]), np.array([3.0]), np.array([3.0]))
    same = mean_distance(np.array([9.0]), np.array([3.0]), np.array([3.0]))
    assert (orthogonal[0], same[0]) == (1.0, 0.0)
    assert np.isnan(mean_distance(np.ones(1), np.ones(1), np.ones(1)))[0]
    assert entropy(np.array([1.0, 1.0, 1.0, 1.0])) == 2.0
    assert entropy(np.array([5.0, 0.0])) == 0.0
    assert np.isnan(entropy(np.zeros(3)))
    taste = np.array([[0.5, 0.5], [0.5, 0.5]])
    off = miscalibration(taste, np.array([[4.0, 4.0], [8.0, 0.0]]))
    assert off[0] == 0.0
    assert math.isclose(off[1], 0.5 * math.log(0.5 / 0.995) + 0.5 * math.log(0.5 / 0.005))
    assert mean_of_worst(np.arange(1.0, 11.0), 0.15) == (10.0 + 0.5 * 9.0) / 1.5


def test_diversity_is_as_rectools_computes_it():
    # RecTools 0.19.0, IntraListDiversity(k=3) with PairwiseHammingDistanceCalculator of one column.
    for categories, expected in (([0, 0, 1], 0.6666666666666666), ([0, 1, 2], 1.0)):
        counts = np.bincount(categories).astype(float)
        square, n = (counts * counts).sum(keepdims=True), counts.sum(keepdims=True)
        assert math.isclose(mean_distance(square, n, n)[0], expected)
