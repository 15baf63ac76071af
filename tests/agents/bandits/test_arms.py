"""Bandits over arms against tallies that are kept one observation at a time."""

import numpy as np
import pytest

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.bandits.arms import Arms, Tally
from recsim_env.agents.bandits.epsilon_greedy import EpsilonGreedy
from recsim_env.agents.bandits.thompson import Thompson
from recsim_env.agents.bandits.ucb import UCB
from recsim_env.agents.core.transition import Transition
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.interest_exploration import InterestExploration
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction
from recsim_env.scenarios.news_feed import NewsFeed
from recsim_env.scenarios.short_video import ShortVideo


def step(env, observation, slates):
    """Returns the feedback on slates."""
    following, rewards, terminated, truncated, _ = env.step(slates)
    return Transition.of_step(
        env.scenario,
        observation=observation,
        slates=slates,
        next_observation=following,
        rewards=rewards,
        is_terminal=terminated,
        is_over=terminated | truncated,
        index=np.arange(env.num_envs),
        begins=np.zeros(env.num_envs, bool),
    )


class ReferenceTally:
    """One observation at a time: every past outcome with its weight and age in interactions."""

    def __init__(self, discount):
        self.discount, self.steps, self.rows = discount, 0, []

    def tell(self, feedback, arms):
        self.steps += len(feedback.slates)
        for person, slate in enumerate(feedback.slates):
            clicked = feedback.next_observation["response"][person, :, 0] > 0
            for place, candidate in enumerate(slate):
                if candidate in slate[:place]:
                    continue
                reward = feedback.rewards[person] * clicked[place] / max(1, clicked.sum())
                weight = feedback.examination_probability[person, place]
                self.rows.append((arms[person, candidate], weight, reward, self.steps))

    def sums(self, arm):
        looks = earned = 0.0
        for other, weight, reward, then in self.rows:
            if other == arm:
                kept = self.discount ** (self.steps - then)
                looks += kept * weight
                earned += kept * weight * reward
        return looks, earned


@pytest.mark.parametrize("discount", [1.0, 0.97])
@pytest.mark.parametrize("choice", ["cascade", "position_based"])
@pytest.mark.parametrize("num_envs", [1, 7])
def test_the_tally_of_batches_equals_one_kept_by_observation(choice, num_envs, discount):
    scenario = BernoulliBandit(slate_size=3, choice=choice, examination=0.7)
    env = RecommendationVectorEnv(scenario, num_envs=num_envs)
    agent, reference = UCB(env, discount=discount), ReferenceTally(discount)
    observation, _ = env.reset(seed=1)
    rng = np.random.default_rng(0)
    for _ in range(30):
        slates = rng.integers(10, size=(num_envs, 3))  # some show an item twice
        feedback = step(env, observation, slates)
        agent.update(feedback)
        reference.tell(feedback, observation["item_id"])
        observation = feedback.next_observation
    expected = np.array([reference.sums(arm) for arm in range(10)]).T
    assert agent.tally.looks[0] == pytest.approx(expected[0], rel=1e-12)
    assert agent.tally.earned[0] == pytest.approx(expected[1], rel=1e-12)
    fresh = sum(discount ** (num_envs * age) for age in range(30)) * num_envs
    assert agent.tally.steps[0, 0] == pytest.approx(fresh, rel=1e-12)
    assert not np.array_equal(agent.tally.looks, np.round(agent.tally.looks))


@pytest.mark.parametrize("kind", [UCB, EpsilonGreedy])
def test_a_session_of_its_own_tells_what_everybodys_tally_tells_of_one_person(kind):
    told = []
    for per in ("all", "session"):
        env = RecommendationVectorEnv(BernoulliBandit(horizon=0, slate_size=3), num_envs=1)
        agent = kind(env, per=per, seed=3)
        agent.learn(200)
        state = agent.next_state(
            agent.interaction.state, agent.interaction.observation, np.zeros(1, bool)
        )
        told.append(agent.tally if per == "all" else state.tally)
    for mine, theirs in zip(*told, strict=True):
        assert np.array_equal(mine, theirs)


def test_sessions_are_apart_and_begin_from_nothing():
    env = RecommendationVectorEnv(BernoulliBandit(horizon=0), num_envs=3)
    agent = UCB(env, per="session")
    observation, _ = env.reset(seed=0)
    state, start = None, np.ones(3, bool)
    for _ in range(15):
        slates, state = agent.predict(observation, state, start)
        before = Tally(*(values.copy() for values in state.tally))
        observation, *_ = env.step(slates)
        agent.slate_probability(observation, slates, state)
        for was, now in zip(before, state.tally, strict=True):
            assert np.array_equal(was, now)  # what a call is given stays as it was
        start = np.zeros(3, bool)
    assert (state.tally.steps == 14).all()
    assert (state.tally.looks.sum(axis=1) == 14).all()
    state = agent.next_state(state, observation, np.array([False, True, False]))
    assert state.tally.steps[:, 0].tolist() == [15, 0, 15]
    assert not state.tally.looks[1].any() and not state.tally.earned[1].any()
    assert (agent.tally.steps == 0).all()


def test_unknown_arms_come_first_in_random_order_and_the_slate_stays_full():
    env = RecommendationVectorEnv(BernoulliBandit(slate_size=3), num_envs=400)
    agent = UCB(env)
    observation, _ = env.reset(seed=0)
    slates, _ = agent.predict(observation)
    assert all(len(set(slate)) == 3 for slate in slates.tolist())
    assert len(np.unique(slates[:, 0])) == 10
    chance = agent.slate_probability(observation, slates)
    assert chance == pytest.approx(1 / (10 * 9 * 8))
    agent.tally.add(np.arange(8)[None], np.ones((1, 8)), np.ones((1, 8)), discount=1.0)
    slates, _ = agent.predict(observation)
    assert (np.sort(slates[:, :2], axis=1) == [8, 9]).all()
    agent.tally.looks[:] = 0.0
    assert np.isfinite(agent.estimate(agent.tally, observation["item_id"])).all()


@pytest.mark.parametrize("kind", [UCB, EpsilonGreedy])
def test_slate_probability_is_the_share_of_slates_drawn(kind):
    env = RecommendationVectorEnv(BernoulliBandit(n_items=4, slate_size=2), num_envs=20_000)
    agent = kind(env)
    observation, _ = env.reset(seed=0)
    outcome = np.array([[1.0, 0.0, 1.0]])
    agent.tally.add(np.array([[0, 1, 2]]), np.ones((1, 3)), outcome, discount=1.0)
    slates, _ = agent.predict(observation)
    for slate in np.unique(slates, axis=0):
        chance = agent.slate_probability(observation, np.tile(slate, (20_000, 1)))[0]
        share = (slates == slate).all(axis=1).mean()
        assert share == pytest.approx(chance, abs=5 * np.sqrt(chance * (1 - chance) / 20_000))


def test_thompson_says_that_its_chances_are_draws_and_they_agree_with_what_it_shows():
    env = RecommendationVectorEnv(BernoulliBandit(n_items=5), num_envs=20_000)
    agent = Thompson(env)
    observation, _ = env.reset(seed=0)
    outcome = np.array([[1.0, 0.0]])
    agent.tally.add(np.array([[0, 1]]), np.ones((1, 2)), outcome, discount=1.0)
    shares = np.bincount(agent.predict(observation)[0], minlength=5) / 20_000
    few = {name: value[:50] for name, value in observation.items()}
    for item in range(5):
        chance = agent.slate_probability(few, np.full(50, item)).mean()
        assert chance == pytest.approx(shares[item], abs=0.02)  # 50,000 draws against 20,000


def test_topics_are_told_by_what_candidates_show():
    for scenario, n_arms in (
        (InterestEvolution(), 20),
        (InterestExploration(), 2),
        (NewsFeed(), 8),
        (ShortVideo(), ShortVideo().n_categories),
    ):
        env = RecommendationVectorEnv(scenario, num_envs=20)
        observation, _ = env.reset(seed=0)
        arms = Arms(scenario, "topic")
        assert arms.n_arms == n_arms
        assert np.array_equal(arms.of(observation), env.items[scenario.category])
    assert Arms.kinds(InterestEvolution()) == ("topic",)
    assert Arms.kinds(NewsFeed()) == ("item", "topic")
    assert Arms.kinds(BernoulliBandit()) == ("item",)
    assert Arms.kinds(LongTermSatisfaction()) == ()


def test_items_of_a_topic_rank_by_their_visible_quality():
    arms = Arms(InterestExploration(), "topic")
    quality = np.array([[3.0, 9.0, 1.0, 2.0]])
    candidates = np.zeros((1, 4, 3))
    candidates[0, [0, 1, 2, 3], [0, 1, 0, 1]] = 1.0
    candidates[:, :, 2] = quality
    observation = {"candidates": candidates}
    for values, order in (
        ([[0.9, 0.3, 0.9, 0.3]], [0, 2, 1, 3]),
        ([[0.3, np.inf, 0.3, np.inf]], [1, 3, 0, 2]),
        ([[0.5, 0.5, 0.5, 0.5]], [1, 0, 3, 2]),
    ):
        scores = arms.ordered(np.array(values), observation)
        assert np.argsort(-scores[0]).tolist() == order
    plain = Arms(InterestEvolution(), "topic")
    assert plain.ordered(quality, observation) is quality


def test_looking_up_arms_or_candidates_gives_the_same():
    rng = np.random.default_rng(0)
    for n_rows, n_arms in ((1, 4), (1, 500), (6, 4), (6, 500)):
        tally = Tally(rng.random((n_rows, n_arms)), rng.random((n_rows, n_arms)), np.ones((1, 1)))
        arm = rng.integers(n_arms, size=(6, 10))
        found = tally.look_up(lambda seen: seen.looks + 2 * seen.earned, arm)
        row = np.arange(6)[:, None] if n_rows > 1 else 0
        assert np.array_equal(found, (tally.looks + 2 * tally.earned)[row, arm])


@pytest.mark.parametrize("name", ["epsilon_greedy", "ucb", "thompson"])
def test_what_is_served_is_the_mean_drawn_to_that_of_all_arms(name):
    env = RecommendationVectorEnv(BernoulliBandit(), num_envs=2)
    agent = make_agent(name, env, prior_showings=4.0)
    agent.tally.looks[0, :3], agent.tally.earned[0, :3] = [1, 10, 30], [1, 5, 21]
    observation, _ = env.reset(seed=0)
    scores = agent.scores(observation, None, deterministic=True)
    mean = 27 / 41
    expected = [(s + 4 * mean) / (n + 4) for n, s in ((1, 1), (10, 5), (30, 21))]
    assert scores == pytest.approx(np.tile(np.append(expected, np.full(7, mean)), (2, 1)))


def test_rewards_beyond_0_to_1_are_scaled_by_their_range():
    env = RecommendationVectorEnv(InterestEvolution(), num_envs=30)  # minutes watched, up to 4
    agent = UCB(env).learn(3_000)
    assert agent.range.tolist() == [0.0, 4.0]
    mean = agent.unit_mean(agent.tally)
    assert mean == pytest.approx(agent.tally.mean / 4) and mean.max() <= 1
    agent = UCB(env, outcome="quality").learn(3_000)
    low, high = agent.range
    assert low < 0 < high
    seen = agent.tally.looks > 0
    mean = agent.unit_mean(agent.tally)
    assert mean[seen] == pytest.approx((agent.tally.mean[seen] - low) / (high - low))


@pytest.mark.parametrize("name", ["ucb", "thompson"])
def test_forgetting_finds_the_best_item_again_after_it_changed(name):
    """A change of the world every 250 slates; Garivier and Moulines 2011 for UCB."""
    lost = {}
    for discount in (1.0, 0.995):
        scenario = BernoulliBandit(horizon=0, n_items=5, best=0.9, others=0.3, change_every=250)
        env = RecommendationVectorEnv(scenario, num_envs=30)
        settings = {"index": "kl"} if name == "ucb" else {}
        agent = make_agent(name, env, per="session", discount=discount, **settings)
        observation, _ = env.reset(seed=0)
        state, start, total = None, np.ones(30, bool), np.zeros(30)
        for _ in range(1_500):
            slates, state = agent.predict(observation, state, start)
            observation, _, _, _, info = env.step(slates)
            total += info["regret"]
            start = np.zeros(30, bool)
        lost[discount] = total
    margin = lost[1.0] - lost[0.995]
    assert margin.mean() > 3.3 * margin.std(ddof=1) / np.sqrt(30)


def test_a_kind_of_arms_that_the_agent_has_not_is_answered_with_those_it_has():
    env = RecommendationVectorEnv(NewsFeed())
    with pytest.raises(ValueError, match="arms='item' is not allowed; use one of auto, topic$"):
        make_agent("topic_ucb", env, arms="item")
    with pytest.raises(ValueError, match="arms='x' is not allowed; use one of auto, topic, item$"):
        make_agent("topic_quality", env, arms="x")
    with pytest.raises(ValueError, match="use one of auto, reward, clicked, dwell_minutes$"):
        make_agent("topic_quality", env, outcome="x")


def test_says_that_it_needs_arms():
    env = RecommendationVectorEnv(LongTermSatisfaction)
    with pytest.raises(
        UnsuitableScenario, match="UCB needs items or topics that can be told apart"
    ):
        UCB(env)
    env = RecommendationVectorEnv(InterestEvolution)
    with pytest.raises(UnsuitableScenario, match="shows none; use 'topic'"):
        UCB(env, arms="item")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("arms", "genre"),
        ("per", "user"),
        ("outcome", "rating"),
        ("discount", 0.0),
        ("discount", 1.1),
        ("prior_showings", -1.0),
    ],
)
def test_settings_out_of_range_are_named(setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value!r} is not allowed"):
        UCB(RecommendationVectorEnv(BernoulliBandit), **{setting: value})


@pytest.mark.parametrize("wrong", [[0.0, 0.0], [0.5, 1.0], [0.0, -1e9]])
def test_a_range_of_outcomes_that_does_not_hold_0_to_1_is_refused(wrong):
    agent = UCB(RecommendationVectorEnv(BernoulliBandit, num_envs=2))
    with pytest.raises(ValueError, match="range holds a number outside"):
        agent.load_state_dict(agent.state_dict() | {"range": np.array(wrong)})
