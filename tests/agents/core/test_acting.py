"""In what agents act: batches, what only watches them, and people like those of single ones."""

import math

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import FlattenObservation, TimeLimit
from gymnasium.wrappers.vector import NormalizeReward, RecordEpisodeStatistics

import recsim_env  # noqa: F401 (registers the ids)
from recsim_env.agents import make_agent
from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.restoring import flattened
from recsim_env.agents.references.oracle import Oracle
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.envs.wrappers import score_candidates
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.interest_exploration import InterestExploration
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

ID = "recsim_env/LongTermSatisfaction-v0"


def batch(num_envs=4, **settings):
    return gymnasium.make_vec(ID, num_envs=num_envs, **settings)


def learned(env, n=60, name="linucb"):
    return make_agent(name, env, seed=2).learn(n)


def same(one, other):
    arrays = flattened(one.state_dict()), flattened(other.state_dict())
    return all(np.array_equal(arrays[0][name], arrays[1][name]) for name in arrays[0])


def test_a_wrapper_that_watches_goes_on_watching():
    env = RecordEpisodeStatistics(batch(horizon=5))
    agent = learned(env)
    assert env.episode_count == 60 / 5
    assert isinstance(agent.env, RecommendationVectorEnv)
    assert same(agent, learned(batch(horizon=5)))
    again = RecordEpisodeStatistics(batch(horizon=5))
    agent.set_env(again)
    agent.learn(60)
    assert again.episode_count > 0


@pytest.mark.parametrize(
    ("env", "num_envs"),
    [
        (lambda: gymnasium.make(ID, horizon=5), 1),
        (lambda: RecommendationEnv(LongTermSatisfaction, horizon=5), 1),
        (lambda: gymnasium.make(ID, max_episode_steps=5), 1),
        (lambda: TimeLimit(gymnasium.make(ID, horizon=9), 5), 1),
        (lambda: batch(3, vectorization_mode="sync", horizon=5), 3),
        (
            lambda: RecordEpisodeStatistics(batch(3, vectorization_mode="sync", horizon=5)),
            3,
        ),
    ],
)
def test_single_environments_stand_for_a_batch_like_them(env, num_envs):
    made = env()
    agent = learned(made)
    assert agent.env.num_envs == num_envs
    assert same(agent, learned(batch(num_envs, horizon=5)))
    observation, _ = made.reset(seed=3)
    slates, _ = agent.predict(observation, deterministic=True)
    made.step(slates)


@pytest.mark.parametrize(
    ("env", "error", "said"),
    [
        (lambda: batch(flat=True), ValueError, "flat=False"),
        (lambda: batch(vectorization_mode="sync", flat=True), ValueError, "flat=False"),
        (lambda: gymnasium.make(ID, flat=True), ValueError, "flat=False"),
        (lambda: FlattenObservation(gymnasium.make(ID)), TypeError, "through FlattenObservation"),
        (lambda: NormalizeReward(batch()), TypeError, "NormalizeReward.*with TransformReward"),
        (lambda: score_candidates(batch()), TypeError, "VectorSlateWrapper.*env.unwrapped"),
        (
            lambda: RecordEpisodeStatistics(score_candidates(batch())),
            TypeError,
            "VectorSlateWrapper",
        ),
        (lambda: gymnasium.make("CartPole-v1"), TypeError, "no environment of recsim_env"),
        (lambda: gymnasium.make_vec("CartPole-v1", 2), TypeError, "no environment of recsim_env"),
        (lambda: LongTermSatisfaction(), TypeError, "make one with gymnasium.make_vec"),
        (lambda: None, TypeError, "make one with gymnasium.make_vec"),
    ],
)
@pytest.mark.parametrize("name", ["linucb", "oracle", "uniform"])
def test_what_agents_cannot_act_in_is_refused_with_a_remedy(env, error, said, name):
    with pytest.raises(error, match=said):
        make_agent(name, env())
    agent = make_agent(name, batch())
    with pytest.raises(error, match=said):
        agent.set_env(env())


def test_people_in_other_processes_are_refused():
    env = batch(2, vectorization_mode="async")
    try:
        with pytest.raises(TypeError, match="AsyncVectorEnv keeps its people out of sight"):
            make_agent("linucb", env)
    finally:
        env.close()


# Oracles ------------------------------------------------------------------------------------------

ORACLES = ["oracle", "far_sighted", "diverse_oracle"]


def exploring(**settings):
    return RecommendationVectorEnv(InterestExploration, **({"num_envs": 4} | settings))


def served(name, **settings):
    """Returns an oracle, and what it is shown in its own environment."""
    kind = exploring() if name == "diverse_oracle" else batch()
    agent = make_agent(name, kind, **settings)
    return agent, agent.env.reset(seed=1)[0]


@pytest.mark.parametrize("name", ORACLES)
def test_an_oracle_answers_for_nobody_but_its_own_people_of_now(name):
    agent, observation = served(name)
    slates, _ = agent.predict(observation)
    other = agent.env.twin()
    for seed in (2, None):
        with pytest.raises(ValueError, match="looks into the 4 people of its own environment"):
            agent.predict(other.reset(seed=seed)[0])
    following = agent.env.step(slates)[0]
    for wrong in (observation, {k: v[:1] for k, v in following.items()}, {}):
        with pytest.raises((ValueError, StopIteration)):
            agent.predict(wrong)
    agent.predict(following)
    agent.slate_probability(following, slates)
    agent.set_env(other)
    other.reset(seed=5)
    agent.predict(other.observe())


def test_an_oracle_of_people_who_were_never_met_answers_nothing():
    agent, observation = served("oracle")
    agent.set_env(agent.env.twin())
    with pytest.raises(ValueError, match="not theirs as they are now"):
        agent.predict(observation)
    with pytest.raises(RuntimeError, match="no episode is running"):
        agent.env.observe()


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_what_everybody_sees_is_what_the_last_step_returned(mode):
    env = batch(6, horizon=3, autoreset_mode=mode)
    observation, _ = env.reset(seed=4)
    for _ in range(10):
        before = env.state
        now = env.observe()
        assert all(np.array_equal(now[name], observation[name]) for name in observation)
        assert repr(before.tolist()) == repr(env.state.tolist())
        observation, _, terminated, truncated, _ = env.step(np.zeros(6, int))
        if mode == "Disabled" and (terminated | truncated).any():
            mask = terminated | truncated
            observation, _ = env.reset(options={"reset_mask": mask})


@pytest.mark.parametrize("name", ORACLES)
def test_an_oracle_cannot_look_into_people_like_those_it_serves(name):
    single = gymnasium.make("recsim_env/InterestExploration-v0")
    with pytest.raises(TypeError, match="give it the batch that gymnasium.make_vec makes"):
        make_agent(name, single)


def test_an_oracle_without_a_facet_asks_a_crowd_of_the_world_it_is_in():
    agent = Oracle(exploring(), ablate="taste", n_marginal_samples=8)
    agent.set_env(exploring(world_seed=3))
    assert np.array_equal(
        agent.others["affinity"],
        Oracle(exploring(world_seed=3), ablate="taste", n_marginal_samples=8).others["affinity"],
    )


SCENARIO = InterestEvolution(n_topics=4, n_candidates=5, slate_size=2)


@pytest.fixture(scope="module")
def acting():
    env = RecommendationVectorEnv(SCENARIO, num_envs=3)
    return make_agent("linucb", env), env.reset(seed=0)[0]


@pytest.mark.parametrize("name", ["linucb", "dqn", "bc"])
@pytest.mark.parametrize("steps", [-5, 1.5, math.nan, math.inf, "100", True, None, 10**30])
def test_what_is_no_number_of_steps_is_refused(name, steps):
    agent = make_agent(name, RecommendationVectorEnv(SCENARIO, num_envs=3))
    with pytest.raises(ValueError, match="total_timesteps="):
        agent.learn(steps)
    assert agent.num_timesteps == 0


def test_whole_numbers_of_steps_are_taken_however_they_are_written(acting):
    agent = make_agent("linucb", acting[0].env)
    for steps in (2e1, np.int64(20), np.float64(20)):
        agent.learn(steps)
    assert agent.num_timesteps >= 60


@pytest.mark.parametrize("seed", [-1, 1.5, True, "3", math.nan, None, 2**64])
def test_what_is_no_seed_of_an_agent_is_refused(acting, seed):
    with pytest.raises(ValueError, match="seed="):
        make_agent("linucb", acting[0].env, seed=seed)


@pytest.mark.parametrize("settings", [{"n_candidates": 4}, {"n_topics": 3}, {"slate_size": 1}])
def test_observations_of_other_shapes_are_refused(acting, settings):
    agent, _ = acting
    other = RecommendationVectorEnv(
        InterestEvolution.create(**(SCENARIO.settings | settings)), num_envs=3, compiled=False
    )
    for seen in (other.reset(seed=0)[0], {k: v[0] for k, v in other.reset(seed=0)[0].items()}):
        with pytest.raises(ValueError, match=r"LinUCB cannot act on .*candidates \(5, 4\)"):
            agent.predict(seen)


def test_what_is_no_observation_is_refused(acting):
    agent, seen = acting
    wrong = {"response": seen["response"], "candidates": seen["candidates"][:2]}
    deep = {name: value[None] for name, value in seen.items()}
    for observation in ({}, {"foo": np.zeros((3, 4))}, wrong, deep):
        with pytest.raises(ValueError, match="LinUCB cannot act on"):
            agent.predict(observation)
    for observation in (seen["candidates"], (seen, {}), None):
        with pytest.raises(TypeError, match="use the dict"):
            agent.predict(observation)
    with pytest.raises(ValueError, match="LinUCB needs 'candidates', .*leave out"):
        agent.predict({"user": seen["user"]})


def test_chances_are_asked_of_slates_only(acting):
    agent, seen = acting
    for slates, message in (
        (np.full((3, 2), 5), "use 0 to 4"),
        (np.full((3, 2), -1), "use 0 to 4"),
        (np.full((3, 2), 0.5), "use integers"),
        (np.zeros((2, 2), int), r"use \(3, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            agent.slate_probability(seen, slates)
    with pytest.raises(ValueError, match="n_draws=0"):
        agent.slate_probability(seen, np.array([[0, 1]] * 3), n_draws=0)


@pytest.mark.parametrize("name", ["ials", "popularity", "ucb"])
def test_who_knows_by_id_is_not_asked_about_nobody(name):
    scenario = RatedCatalogue(n_users=20, n_items=60, max_slates=20)
    env = RecommendationVectorEnv(scenario, num_envs=3)
    agent, seen = make_agent(name, env), env.reset(seed=0)[0]
    agent.predict(seen)
    del seen["user_id"], seen["item_id"]
    with pytest.raises(ValueError, match="needs '(user|item)_id', .*keep_ids=True"):
        agent.predict(seen)


class Scoring(OnlineAgent):
    """Scores as it is told."""

    given = np.zeros((3, 5))

    def scores(self, observation, state, *, deterministic):
        return self.given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.full((3, 5), math.nan), "returned NaN"),
        (np.zeros((3, 2)), r"shape \(3, 2\); return \(3, 5\)"),
        (np.zeros(5), r"shape \(5,\); return \(3, 5\)"),
    ],
)
def test_scores_that_would_be_chance_or_leave_out_candidates_are_refused(acting, given, message):
    agent, seen = Scoring(acting[0].env), acting[1]
    agent.predict(seen)
    agent.given = given
    with pytest.raises(ValueError, match=message):
        agent.predict(seen)
    with pytest.raises(ValueError, match=message):
        agent.slate_probability(seen, np.array([[0, 1]] * 3))
