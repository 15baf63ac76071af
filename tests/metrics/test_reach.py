"""What reaches items and makers, and how alike people are, against a plain loop over a log."""

import itertools

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.metrics import Backdrop
from recsim_env.metrics.exposure import gini
from recsim_env.metrics.reach import tiers
from recsim_env.results.metrics import METRICS

N_SLOTS, N_EPISODES, SEED = 10, 3, 5


def measured(scenario, agent="uniform", backdrop=None):
    env = RecommendationVectorEnv(scenario, num_envs=1)
    found = evaluate(
        make_agent(agent, env),
        scenario,
        n_episodes=N_SLOTS * N_EPISODES,
        num_envs=N_SLOTS,
        seed=SEED,
        measure=True,
        backdrop=backdrop,
    )
    return found.measured


def with_backdrop(scenario, agent):
    uniform, oracle = measured(scenario), measured(scenario, "oracle")
    return measured(scenario, agent, Backdrop(uniform, oracle)).values


class Log:
    """What an agent shows and people consume, row by row, in plain Python."""

    def __init__(self, scenario, agent, tastes=()):
        env = RecommendationVectorEnv(scenario, num_envs=N_SLOTS)
        player = make_agent(agent, env)
        player.rng = np.random.default_rng(SEED)
        self.shown, self.consumed, self.tastes, self.first = [], {}, {}, {}
        observation, _ = env.reset(seed=SEED)
        episode, is_new = np.zeros(N_SLOTS, int), np.ones(N_SLOTS, bool)
        begins = np.zeros(N_SLOTS, bool)
        while (episode < N_EPISODES).any():
            slates, _ = player.predict(observation, deterministic=True)
            users = env.users.copy()
            following, _, terminated, truncated, _ = env.step(slates)
            for slot in np.flatnonzero((episode < N_EPISODES) & ~begins):
                if is_new[slot] and episode[slot] == 0:
                    self.first[slot] = users[slot].copy()
                person = int(observation["user_id"][slot])
                self.tastes.setdefault(person, np.hstack([users[slot][field] for field in tastes]))
                for place, index in enumerate(np.ravel(slates[slot])):
                    item = int(observation["item_id"][slot, index])
                    self.shown.append(item)
                    if following["response"][slot, place, 0] > 0:
                        self.consumed.setdefault(person, set()).add(item)
            is_new = begins.copy()
            begins = ~begins & (terminated | truncated)
            episode += begins
            observation = following
        self.env = env

    def overlap(self, pairs):
        found = []
        for a, b in pairs:
            mine, theirs = self.consumed.get(a, set()), self.consumed.get(b, set())
            if mine | theirs:
                found.append(len(mine & theirs) / len(mine | theirs))
        return float(np.mean(found))

    def similar(self, n=10):
        cosine = {
            (a, b): self.tastes[a]
            @ self.tastes[b]
            / np.linalg.norm(self.tastes[a])
            / np.linalg.norm(self.tastes[b])
            for a, b in itertools.permutations(self.tastes, 2)
        }
        for a in self.tastes:
            yield from sorted(((a, b) for b in self.tastes if b != a), key=lambda p: -cosine[p])[:n]


@pytest.fixture(scope="module")
def music():
    return resolve_scenario("MusicStreaming", n_users=25, n_items=60, n_artists=12)


@pytest.fixture(scope="module", params=["uniform", "oracle"])
def of_music(request, music):
    return measured(music, request.param).values, Log(music, request.param, ("taste",))


def test_coverage_gini_and_popularity_equal_those_of_the_log(of_music, music):
    values, log = of_music
    counts = np.bincount(log.shown, minlength=60)
    assert values["coverage"] == np.count_nonzero(counts) / 60
    assert values["exposure_gini"] == pytest.approx(gini(counts))
    first = np.array([log.first[slot] for slot in sorted(log.first)])
    popularity = log.env.liking_of(first, log.env.catalogue).mean(axis=0)
    assert values["popularity"] == pytest.approx(popularity[log.shown].mean())


def test_makers_get_what_their_items_get(of_music):
    values, log = of_music
    artist, counts = log.env.catalogue["artist"], np.bincount(log.shown, minlength=60)
    known = np.unique(artist)
    exposure = np.array([counts[artist == each].sum() for each in known])
    assert values["maker_gini"] == pytest.approx(gini(exposure))
    first = np.array([log.first[slot] for slot in sorted(log.first)])
    merit = log.env.liking_of(first, log.env.catalogue).mean(axis=0)
    due = np.array([merit[artist == each].sum() for each in known])
    low = np.argsort(due)[: len(due) // 2]
    high = np.setdiff1d(np.arange(len(due)), low)
    per_merit = [exposure[each].sum() / due[each].sum() for each in (low, high)]
    assert values["exposure_ratio"] == pytest.approx(per_merit[0] / per_merit[1])
    shares = [
        abs(
            exposure[tiers(due) == t].sum() / exposure.sum()
            - due[tiers(due) == t].sum() / due.sum()
        )
        for t in range(10)
    ]
    assert values["attention_gap"] == pytest.approx(sum(shares) / 2)


@pytest.mark.parametrize("agent", ["uniform", "oracle"])
def test_overlap_equals_that_of_sets(agent):
    settings = {"n_users": 15, "n_items": 40, "max_slates": 20}
    scenario = resolve_scenario("RatedCatalogue", **settings)
    log, values = Log(scenario, agent, ("factors", "bias")), measured(scenario, agent).values
    assert values["overlap_similar"] == pytest.approx(log.overlap(log.similar()))
    people = sorted(log.tastes)
    n = len(people)
    others = [
        (people[a], people[(a + s) % n]) for a in range(n) for s in range(1, min(10, n - 1) + 1)
    ]
    assert values["overlap_others"] == pytest.approx(log.overlap(others))


def test_the_oracle_is_its_own_target(music):
    values = with_backdrop(music, "oracle")
    assert values["exposure_loss"] == pytest.approx(0, abs=1e-12)
    assert values["exposure_disparity"] == pytest.approx(1)
    assert values["homogenization"] == 0
    uniform = with_backdrop(music, "uniform")
    assert uniform["exposure_loss"] > 0.3
    assert uniform["exposure_gini"] < values["exposure_gini"]
    assert uniform["popularity"] < values["popularity"]


def test_makers_who_leave_are_missed():
    values = measured(resolve_scenario("CreatorEconomy", weeks=8.0)).values
    assert 0 < values["makers_active"] < 1
    kept = measured(resolve_scenario("CreatorEconomy", weeks=8.0, leave_rate=0.0)).values
    assert kept["makers_active"] >= 1
    assert "overlap_similar" not in values  # many people come to one platform


def test_categories_stand_for_items_without_ids():
    values = measured(resolve_scenario("InterestEvolution")).values
    assert values["coverage"] == 1
    assert 0 < values["exposure_gini"] < 0.5
    assert "popularity" not in values


def test_every_metric_is_described():
    values = with_backdrop(resolve_scenario("MusicStreaming", n_users=25, n_items=60), "uniform")
    assert set(values) <= set(METRICS)


def test_articles_that_vanish_have_no_lasting_popularity():
    values = measured(resolve_scenario("NewsFeed")).values
    assert "popularity" not in values
    assert values["coverage"] > 0


def test_tiers_are_of_one_size():
    assert np.bincount(tiers(np.random.default_rng(0).random(40))).tolist() == [4] * 10
