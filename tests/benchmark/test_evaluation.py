"""Frozen evaluations: paired, counted by slot, and without a trace on the agent."""

import numpy as np
import pytest

from recsim_env import RecommendationVectorEnv
from recsim_env.agents import make_agent
from recsim_env.agents.core.restoring import flattened
from recsim_env.benchmark import backdrop, evaluate
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.interest_exploration import InterestExploration
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction

SCENARIO = InterestEvolution(n_topics=4, n_candidates=5, slate_size=2, time_budget=12.0)


class Watching:
    """Shows the first candidates, and keeps what it was asked."""

    def __init__(self):
        self.calls = []

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        n = len(observation["user"])
        self.calls.append((observation["user"].copy(), episode_start.copy(), deterministic))
        return np.tile(np.arange(SCENARIO.slate_size), (n, 1)), (state or 0) + 1


def played_alone(seed, n_episodes):
    """Returns the episodes of one slot, played one after the other, by the first candidates."""
    env = RecommendationVectorEnv(SCENARIO, num_envs=1, autoreset_mode="Disabled")
    episodes = []
    for episode in range(n_episodes):
        options = {"reset_mask": np.array([True])} if episode else None
        env.reset(seed=seed if episode == 0 else None, options=options)
        total, length, clicks, is_over = 0.0, 0, 0, False
        while not is_over:
            observation, rewards, terminated, truncated, _ = env.step([[0, 1]])
            total, length = total + rewards[0], length + 1
            clicks += int(observation["response"][0, :, 0].sum())
            is_over = terminated[0] or truncated[0]
        episodes.append((total, length, clicks))
    return episodes


def test_counts_exactly_the_first_episodes_of_every_slot():
    found = evaluate(Watching(), SCENARIO, n_episodes=12, seed=5, num_envs=4)
    expected = [episode for slot in range(4) for episode in played_alone(5 + slot, 3)]
    assert list(zip(found.returns, found.lengths, found.clicks, strict=True)) == expected
    assert len(set(found.lengths)) > 1, "the episodes should differ for the test to mean anything"


@pytest.mark.parametrize(
    "name", ["LongTermSatisfaction", "recsim_env:recsim_env/LongTermSatisfaction-v0"]
)
def test_a_scenario_is_named_as_everywhere(name):
    uniform = make_agent("uniform", RecommendationVectorEnv(LongTermSatisfaction), seed=0)
    named, made = (
        evaluate(uniform, scenario, n_episodes=3, seed=2).returns.tolist()
        for scenario in (name, LongTermSatisfaction())
    )
    assert named == made


def test_means_are_of_the_counted_episodes():
    found = evaluate(Watching(), SCENARIO, n_episodes=6, seed=1)
    assert found.n_episodes == 6
    assert found.return_mean == pytest.approx(np.mean(found.returns))
    assert found.reward_per_step == pytest.approx(found.returns.sum() / found.lengths.sum())
    assert found.click_rate == pytest.approx(found.clicks.sum() / found.lengths.sum())
    assert found.episode_length == pytest.approx(np.mean(found.lengths))


def test_two_agents_meet_the_same_people():
    first, second = Watching(), Watching()
    second.predict = lambda observation, **kwargs: (
        Watching.predict(second, observation, **kwargs)[0][:, ::-1] + 2,
        None,
    )
    for agent in (first, second):
        evaluate(agent, SCENARIO, n_episodes=8, seed=3, num_envs=4)

    def people(agent):
        """Returns the interests that each slot's first two episodes began with."""
        begun = [[], [], [], []]
        for interests, is_start, _ in agent.calls:
            for slot in np.flatnonzero(is_start):
                begun[slot].append(tuple(interests[slot]))
        return [interests[:2] for interests in begun]

    assert people(first) == people(second)
    assert len({interest for slot in people(first) for interest in slot}) == 8


def test_the_agent_is_frozen_and_told_where_episodes_begin():
    agent = Watching()
    found = evaluate(agent, SCENARIO, n_episodes=2, seed=0, num_envs=1)
    assert all(deterministic for _, _, deterministic in agent.calls)
    starts = [place for place, (_, is_start, _) in enumerate(agent.calls) if is_start[0]]
    assert starts == [0, found.lengths[0] + 1]  # one step in between only begins the episode


def test_evaluation_leaves_learning_as_it_was():
    def learned(is_evaluated):
        env = RecommendationVectorEnv(SCENARIO, num_envs=4)
        agent = make_agent("linucb", env, seed=1)
        agent.learn(100)
        if is_evaluated:
            evaluate(agent, SCENARIO, n_episodes=8, seed=2)
            assert agent.env is env
        agent.learn(100)
        return flattened(agent.state_dict())

    left_alone, evaluated = learned(False), learned(True)
    assert left_alone
    for name, values in left_alone.items():
        np.testing.assert_array_equal(values, evaluated[name])


def test_the_oracle_looks_into_the_people_it_serves():
    env = RecommendationVectorEnv(SCENARIO, num_envs=2)
    oracle, uniform = (
        evaluate(make_agent(name, env), SCENARIO, n_episodes=400, seed=7)
        for name in ("oracle", "uniform")
    )
    error = np.std(oracle.returns - uniform.returns) / 20
    assert oracle.return_mean > uniform.return_mean + 4 * error


def test_a_given_environment_is_used():
    env = RecommendationVectorEnv(SCENARIO, num_envs=3)
    found = evaluate(Watching(), env, n_episodes=6, seed=4)
    alone = evaluate(Watching(), SCENARIO, n_episodes=6, seed=4, num_envs=3)
    np.testing.assert_array_equal(found.returns, alone.returns)


@pytest.mark.parametrize("mode", ["SameStep", "Disabled"])
def test_other_autoreset_modes_are_refused(mode):
    env = RecommendationVectorEnv(SCENARIO, num_envs=2, autoreset_mode=mode)
    with pytest.raises(ValueError, match="autoreset_mode='NextStep'"):
        evaluate(Watching(), env, n_episodes=2, seed=0)


def test_episodes_that_do_not_fit_the_slots_are_refused():
    with pytest.raises(ValueError, match="n_episodes=5 is not a multiple of num_envs=2"):
        evaluate(Watching(), SCENARIO, n_episodes=5, seed=0, num_envs=2)


def test_endless_episodes_are_refused():
    env = RecommendationVectorEnv(InterestExploration(horizon=0), num_envs=1)
    with pytest.raises(ValueError, match="set horizon"):
        evaluate(make_agent("uniform", env), env, n_episodes=1, seed=0, max_steps=50)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_episodes": 4.0}, "n_episodes=4.0"),
        ({"n_episodes": True}, "n_episodes=True"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"max_steps": 0}, "max_steps=0"),
        ({"num_envs": 2}, "num_envs=2 .* those of the environment"),
        ({"threads": 2}, "threads=2 .* those of the environment"),
        ({"n_measured": 4}, "n_measured=4 without measure"),
        ({"n_measured": 0, "measure": True}, "n_measured=0"),
        ({"n_measured": 8, "measure": True}, "n_measured=8 exceeds n_episodes=4"),
        ({"n_measured": 2, "measure": True}, "n_measured=2 is not a multiple of num_envs=4"),
    ],
)
def test_arguments_that_would_be_ignored_or_misread_are_refused(changes, message):
    env = RecommendationVectorEnv(SCENARIO, num_envs=4)
    with pytest.raises(ValueError, match=message):
        evaluate(Watching(), env, **({"n_episodes": 4, "seed": 0} | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 1}, "seed 1, slots 4"),
        ({"num_envs": 2}, "slots 2, episodes of each 2"),
        ({"n_episodes": 8, "num_envs": 4}, "slots 4, episodes of each 2"),
    ],
)
def test_what_is_compared_with_other_people_is_refused(changes, said):
    behind = backdrop(SCENARIO, n_episodes=4, seed=0)
    given = {"n_episodes": 4, "seed": 0}
    found = evaluate(Watching(), SCENARIO, **given, backdrop=behind).measured.values
    assert found["regret"] > 0
    with pytest.raises(ValueError, match=f"backdrop is of other people .*{said}"):
        evaluate(Watching(), SCENARIO, **(given | changes), backdrop=behind)


@pytest.mark.parametrize("agent", ["oracle", Watching, None])
def test_what_is_no_agent_is_refused(agent):
    with pytest.raises(TypeError, match="has no predict"):
        evaluate(agent, SCENARIO, n_episodes=4, seed=0)
