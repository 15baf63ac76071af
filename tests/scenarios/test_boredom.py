"""Boredom: SARDINE's dynamics and returns, defaults worth playing, and clear errors."""

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.scenarios.boredom import Boredom
from recsim_env.testing import check_scenario

pytestmark = pytest.mark.published

W, N_TOPICS, MEMORY = 5, 10, 10
ID = "Boredom-v0"
N_SARDINE = 128  # people before catalogues of a thousand items
RARE = 3.3  # standard errors; chance exceeds them once in a thousand


class Restated:
    """SARDINE's people, written again in NumPy, all at once; for what a test compares."""

    def __init__(self, interest, *, threshold, influence=0.0, scalar=False, of_all=True):
        self.interest, self.threshold = interest.astype(float), threshold
        self.influence, self.scalar, self.of_all = influence, scalar, of_all
        n = len(interest)
        self.time, self.people = 0, np.arange(n)
        self.topics = np.zeros((n, MEMORY), int)
        self.times = np.full((n, MEMORY), -np.inf)  # the last clicks, newest last
        self.bored = np.zeros((n, N_TOPICS), bool)
        self.timer = np.full((n, N_TOPICS), W)

    def effective(self):
        silent = self.bored.any(axis=1, keepdims=True) if self.of_all else self.bored
        return np.where(silent, 0.0, self.interest)

    def take(self, embeddings, topics, clicks):
        """Moves on by a step in which people clicked some of the items shown, place by place."""
        for place in range(clicks.shape[1]):
            who = self.people[clicks[:, place]]
            for last, new in ((self.topics, topics[who, place]), (self.times, self.time)):
                last[who, :-1] = last[who, 1:]
                last[who, -1] = new
        self.time += 1
        self.times[self.times < self.time - W] = -np.inf
        self.timer -= self.bored
        self.bored &= self.timer != 0
        self.timer[~self.bored] = W
        is_recent = (self.times > -np.inf)[:, :, None]
        self.counts = ((self.topics[:, :, None] == np.arange(N_TOPICS)) & is_recent).sum(axis=1)
        self.bored |= self.counts >= self.threshold
        self.drift(embeddings, clicks)

    def drift(self, embeddings, clicks):
        n_clicked = clicks.sum(axis=1, keepdims=True)
        mean = (embeddings * clicks[:, :, None]).sum(axis=1) / np.maximum(1, n_clicked)
        if self.scalar:
            mean = mean.mean(axis=1, keepdims=True) * np.ones(N_TOPICS)
        moved = (1 - self.influence) * self.interest + self.influence * mean
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        self.interest = np.where(n_clicked > 0, moved, self.interest)


def draw_interests(rng, n):
    masks = rng.random((50 * n, N_TOPICS)) < 0.4
    masks = masks[(masks.sum(axis=1) >= 3) & (masks.sum(axis=1) <= 5)][:n]
    interest = rng.random((n, N_TOPICS)) * masks
    return interest / np.linalg.norm(interest, axis=1, keepdims=True)


def draw_catalogue(rng, n):
    ranks = rng.random((n, N_TOPICS)).argsort(axis=1)
    weights = rng.random((n, N_TOPICS)) * (ranks < rng.integers(2, 4, (n, 1)))
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def restated_returns(scenario, embeddings, *, greedy, n):
    """Returns the returns of `n` people by the restatement, under uniform or greedy slates."""
    rng = np.random.default_rng(3)
    people = Restated(
        draw_interests(rng, n),
        threshold=scenario.boredom_threshold,
        influence=scenario.influence,
        scalar=True,
    )
    topics, k = embeddings.argmax(axis=1), scenario.slate_size
    total = np.zeros(n)
    for step in range(scenario.horizon + 1):
        scores = people.effective() @ embeddings.T
        exponent = scenario.relevance_slope * (scenario.relevance_offset - scores)
        relevance = 1 / (1 + np.exp(np.minimum(exponent, 500)))
        slate = best(relevance if greedy and step else rng.random(relevance.shape), k)
        if step == 0:
            slate = rng.integers(0, len(embeddings), (n, k))
        chance = np.take_along_axis(relevance, slate, axis=1)
        clicks = rng.random((n, k)) < chance * scenario.examination ** np.arange(k)
        people.take(embeddings[slate], topics[slate], clicks)
        total += clicks.sum(axis=1) * (step > 0)
    return total


def best(scores, k):
    """Returns the k highest columns of each row, best first."""
    top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1)
    return np.take_along_axis(top, order, axis=1)


def share_bored(env):
    """Returns which share of the people is bored now."""
    return (env.users["is_bored"] > 0).any(axis=1).mean()


def error(values):
    return values.std(ddof=1) / np.sqrt(len(values))


SARDINE = (
    "SingleItem-Static",
    "SingleItem-BoredInf",
    "SingleItem-Uncertain",
    "SlateTopK-Bored",
    "SlateTopK-BoredInf",
    "SlateTopK-Uncertain",
    "SlateRerank-Static",
    "SlateRerank-Bored",
)


@pytest.mark.parametrize("name", SARDINE)
@pytest.mark.parametrize("policy", ["uniform", "oracle"])
def test_sardine_ids_equal_an_independent_simulation(play, name, policy):
    """Catalogues of 1000 are drawn on either side; ten items make a difference and are shared."""
    env_id = f"Sardine-{name}-v0"
    scenario = resolve_scenario(**gymnasium.spec(f"recsim_env/{env_id}").kwargs)
    if scenario.n_items > N_TOPICS:
        n, embeddings = N_SARDINE, draw_catalogue(np.random.default_rng(4), scenario.n_items)
    else:
        n, env = 4096, gymnasium.make_vec(f"recsim_env/{env_id}", num_envs=1)
        env.reset(seed=0)
        embeddings = env.items["embedding"][0].astype(float)
    expected = restated_returns(scenario, embeddings, greedy=policy == "oracle", n=n)
    played = play(env_id, policy, n=n)
    given = played.returns
    assert (played.lengths == scenario.horizon).all() and not played.has_left.any()
    allowed = RARE * np.hypot(error(given), error(expected)) + 1e-9
    assert abs(given.mean() - expected.mean()) < allowed, (given.mean(), expected.mean())


# The published intervals are at 95 %: 1.96 standard errors.
@pytest.mark.parametrize(
    ("name", "policy", "published", "interval"),
    [
        ("SingleItem-Static", "uniform", 8.0, 0.6),
        ("SingleItem-Static", "oracle", 100.0, 0.01),
        ("SlateTopK-Bored", "uniform", 42.4, 2.0),
        ("SlateTopK-Bored", "oracle", 139.0, 7.0),
        ("SlateRerank-Static", "uniform", 14.6, 1.2),
        ("SlateRerank-Static", "oracle", 21.5, 1.1),
    ],
)
def test_sardine_ids_earn_what_was_published(play, name, policy, published, interval):
    n = 4096 if "Rerank" in name else N_SARDINE
    played = play(f"Sardine-{name}-v0", policy, n=n, watch=share_bored)
    mean = played.returns.mean()
    allowed = 3 * np.hypot(error(played.returns), interval / 1.96)
    assert abs(mean - published) < allowed, mean
    if name == "SlateTopK-Bored" and policy == "oracle":
        assert played.watched.mean() == pytest.approx(0.74, abs=0.03)


@pytest.mark.parametrize("bored_of", ["everything", "topic"])
@pytest.mark.parametrize("scalar_influence", [False, True])
def test_state_follows_the_restatement_step_by_step(bored_of, scalar_influence):
    scenario = Boredom(
        bored_of=bored_of, scalar_influence=scalar_influence, influence=0.2, boredom_threshold=3
    )
    n, k, rows = 64, scenario.slate_size, np.arange(64)[:, None]
    env = RecommendationVectorEnv(scenario, num_envs=n)
    env.reset(seed=1)
    people = Restated(
        env.users["interest"],
        threshold=3,
        influence=0.2,
        scalar=scalar_influence,
        of_all=bored_of == "everything",
    )
    first = env.users
    for person in range(n):  # clicks on the first slate came before anything is seen
        for click in range(first["n_recent"][person]):
            people.topics[person, click - first["n_recent"][person]] = first["recent_topic"][
                person, click
            ]
            people.times[person, click - first["n_recent"][person]] = 0
    people.time = 1
    people.bored = first["is_bored"] > 0
    n_spells = 0
    for _ in range(25):
        slates = best(env.expected_reward(), k)
        shown = env.items[rows, slates]
        observation, rewards, _, _, infos = env.step(slates)
        clicks = observation["response"][:, :, 0] > 0
        people.take(shown["embedding"], shown["topic"], clicks)
        users = env.users
        assert np.array_equal(rewards, clicks.sum(axis=1))
        assert np.array_equal(users["is_bored"] > 0, people.bored)
        assert np.array_equal(users["bored_steps_left"], people.timer)
        assert np.allclose(users["interest"], people.interest, atol=1e-6)
        assert np.allclose(users["interest"] * users["attention"], people.effective(), atol=1e-6)
        recent = np.minimum(1, people.counts / 3)
        assert np.allclose(observation["history"][:, :N_TOPICS], recent, atol=1e-6)
        assert np.array_equal(infos["n_bored"], people.bored.sum(axis=1))
        n_spells += people.bored.sum()
    assert n_spells > 100


def test_items_and_people_follow_the_stated_laws():
    env = RecommendationVectorEnv(Boredom(n_items=4000, topic_skew=0.0), num_envs=2000)
    env.reset(seed=2)
    items = env.items.ravel()
    embeddings = items["embedding"]
    n_topics = (embeddings > 0).sum(axis=1)
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    assert set(n_topics) == {2, 3}
    assert np.mean(n_topics == 2) == pytest.approx(0.5, abs=0.05)
    assert np.array_equal(items["topic"], embeddings.argmax(axis=1))
    assert np.bincount(items["topic"]).min() > 0.08 * len(items)
    users = env.users
    interests = users["interest"][users["n_recent"] == 0]  # clicks would have spread them
    n_interests = (interests > 0).sum(axis=1)
    assert np.allclose(np.linalg.norm(interests, axis=1), 1)
    assert set(n_interests) == {3, 4, 5}
    assert np.mean(interests > 0, axis=0) == pytest.approx(0.4, abs=0.06)


def test_defaults_are_worth_playing(play, assert_more):
    floor, ceiling, far = (
        play(ID, name, watch=share_bored) for name in ("uniform", "oracle", "far_sighted")
    )
    for played in (floor, ceiling, far):
        assert (played.lengths == Boredom().horizon).all() and not played.has_left.any()
    assert_more(ceiling.returns, floor.returns, 1.5)
    assert_more(far.returns, ceiling.returns, 1.1)
    assert ceiling.watched.mean() > 0.3
    assert far.watched.mean() < 0.05


def test_the_best_ranking_for_everybody_lies_between(play, assert_more):
    for_all = play(ID, "oracle", ablate="person").returns
    assert_more(for_all, play(ID, "uniform", watch=share_bored).returns, 1.1)
    assert_more(play(ID, "oracle", watch=share_bored).returns, for_all, 1.3)


def test_without_boredom_foresight_earns_nothing(play, assert_more):
    far, myopic = (
        play(ID, name, n=256, watch=share_bored, boredom_threshold=0)
        for name in ("far_sighted", "oracle")
    )
    assert np.array_equal(far.returns, myopic.returns)
    assert not far.watched.any()
    assert_more(myopic.returns, play(ID, "oracle", n=256).returns, 1.5)


def test_without_influence_interests_stay():
    env = gymnasium.make_vec("recsim_env/Boredom-v0", num_envs=64, influence=0.0)
    env.reset(seed=0)
    before = env.users["interest"]
    for _ in range(10):
        env.step(best(env.expected_reward(), 5))
    assert np.array_equal(before, env.users["interest"])


def test_vector_influence_narrows_interests_and_scalar_influence_blurs_them(assert_more):
    def largest_interest(**changes):
        env = gymnasium.make_vec("recsim_env/Boredom-v0", num_envs=512, influence=0.1, **changes)
        env.reset(seed=0)
        before = env.users["interest"].max(axis=1)
        for _ in range(30):
            env.step(best(env.expected_reward(), 5))
        return env.users["interest"].max(axis=1) - before

    assert_more(largest_interest())
    assert_more(-largest_interest(scalar_influence=True))


def test_observations_mean_what_is_said():
    scenario = Boredom(observe_state=True, boredom_threshold=2)
    env = RecommendationVectorEnv(scenario, num_envs=8, compiled=False)
    env.reset(seed=0)
    for _ in range(8):
        slates = best(env.expected_reward(), 5)
        shown = env.items[np.arange(8)[:, None], slates]
        observation = env.step(slates)[0]
        users = env.users
        assert np.allclose(observation["state_interest"], users["interest"])
        assert np.allclose(observation["state_bored_steps_left"], users["bored_steps_left"] / W)
        assert np.allclose(observation["candidates"], env.items["embedding"])
        assert np.array_equal(observation["response"][:, :, 1], shown["topic"])
        length = np.linalg.norm(observation["history"][:, N_TOPICS:], axis=1)
        assert np.allclose(length, users["profile"].any(axis=1), atol=1e-6)
    assert (observation["state_bored_steps_left"] < 1).any()


def test_items_are_not_shown_where_the_catalogue_is_offered_whole():
    for name in SARDINE:
        scenario = resolve_scenario(**gymnasium.spec(f"recsim_env/Sardine-{name}-v0").kwargs)
        assert ("candidates" in scenario.schema.spaces) == ("Rerank" in name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {
            "bored_of": "topic",
            "examination_order": "mixed",
            "topic_skew": 2.0,
            "influence": 1.0,
            "diversity_penalty": 3.0,
            "diversity_threshold": 2,
            "relevance_penalty": 0.5,
        },
        {
            "slate_size": 1,
            "n_candidates": 4,
            "n_items": 4,
            "n_users": 0,
            "n_topics": 5,
            "show_items": False,
            "observe_state": True,
            "recent_clicks": 1,
            "boredom_window": 1,
            "boredom_threshold": 1,
        },
    ],
)
def test_contract_in_other_settings(changes):
    check_scenario(Boredom, **changes)


@settings(max_examples=10)
@given(
    n_topics=st.integers(5, 12),
    slate_size=st.integers(1, 4),
    threshold=st.integers(0, 4),
    window=st.integers(1, 4),
    memory=st.integers(1, 6),
    influence=st.floats(0, 1),
    slope=st.floats(0, 1e6),
    is_topic=st.booleans(),
)
def test_observations_stay_in_their_space(
    n_topics, slate_size, threshold, window, memory, influence, slope, is_topic
):
    scenario = Boredom(
        n_items=30,
        n_candidates=6,
        n_topics=n_topics,
        slate_size=slate_size,
        boredom_threshold=threshold,
        boredom_window=window,
        recent_clicks=memory,
        influence=influence,
        relevance_slope=slope,
        bored_of="topic" if is_topic else "everything",
        observe_state=True,
    )
    env = RecommendationVectorEnv(scenario, num_envs=2, compiled=False)
    observation, _ = env.reset(seed=0)
    for _ in range(6):
        assert env.observation_space.contains(observation)
        slates = best(env.long_term_value(), slate_size)
        observation, *_ = env.step(slates[:, 0] if slate_size == 1 else slates)


def test_a_slate_full_of_one_topic_pays_the_diversity_penalty():
    changes = {"n_candidates": 200, "boredom_threshold": 0, "diversity_threshold": 2}
    for penalty in (1.0, 4.0):
        env = RecommendationVectorEnv(
            Boredom(diversity_penalty=penalty, **changes), num_envs=1, compiled=False
        )
        env.reset(seed=0)
        for is_alike in (True, False):
            topic = env.items["topic"][0]
            alike = np.flatnonzero(topic == 0)[:5]
            mixed = np.array([np.flatnonzero(topic == kind)[0] for kind in range(5)])
            slate, divisor = (alike, penalty) if is_alike else (mixed, 1.0)
            expected = env.expected_reward()[0, slate] * 0.85 ** np.arange(5) / divisor
            env.step(slate[None])
            chances = env._simulator.slots["response"]["probability"][0]
            assert np.allclose(chances, expected)


@pytest.mark.slow
@pytest.mark.parametrize("n_topics", [5, 100])
def test_the_largest_skew_still_draws_people(n_topics):
    scenario = Boredom(n_topics=n_topics, topic_skew=4.0)
    env = RecommendationVectorEnv(scenario, num_envs=512)
    env.reset(seed=0)
    interests = env.users["interest"][env.users["n_recent"] == 0]
    assert np.isin((interests > 0).sum(axis=1), (3, 4, 5)).all()
    assert (interests[:, 0] > 0).mean() > 0.9  # 3 topics without the first one are rare


def test_mixed_examination_looks_from_both_ends():
    look = Boredom(examination_order="mixed", examination=0.5, slate_size=3).derived()["look"]
    assert np.allclose(look, [0.625, 0.5, 0.625])


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"n_topics": 4}, "n_topics=4 is not allowed; use 5 to"),
        ({"n_items": 0}, "n_items=0 .*1 to"),
        ({"boredom_window": 0}, "boredom_window=0 .*1 to 1000"),
        ({"recent_clicks": 0}, "recent_clicks=0 .*1 to 1000"),
        ({"boredom_threshold": -1}, "boredom_threshold=-1 .*0 to"),
        ({"influence": 1.5}, "influence=1.5 .*0 to 1"),
        ({"examination": -0.1}, "examination=-0.1 .*0 to 1"),
        ({"bored_of": "life"}, "bored_of='life' .*everything, topic"),
        ({"examination_order": "random"}, "examination_order='random' .*top_down, mixed"),
        ({"diversity_penalty": 0.5}, "diversity_penalty=0.5 .*1 to"),
        ({"diversity_threshold": 1}, "diversity_threshold=1 .*2 to"),
        ({"topic_skew": -1.0}, "topic_skew=-1.0 .*0 to 4"),
        ({"topic_skew": 50.0}, "topic_skew=50.0 .*0 to 4"),
    ],
)
def test_bad_settings_name_the_remedy(changes, remedy):
    with pytest.raises(ValueError, match=remedy):
        Boredom(**changes)


def test_people_and_items_are_described_in_words():
    env = gymnasium.make("recsim_env/Boredom-v0", render_mode="ansi", boredom_threshold=1)
    env.reset(seed=0)
    for _ in range(20):
        env.step(best(env.unwrapped.expected_reward()[None], 5)[0])
        line = env.render()
        if "bored of topic" in line:
            break
    assert "likes topic" in line
    assert "bored of topic" in line
    assert " on topic " in line


def test_the_state_is_drawn():
    env = gymnasium.make("recsim_env/Boredom-v0", render_mode="rgb_array")
    env.reset(seed=4)
    before = env.render()
    for _ in range(5):
        env.step(best(env.unwrapped.expected_reward()[None], 5)[0])
    assert before.shape == env.render().shape == (400, 800, 3)
    assert (before != env.render()).any()
