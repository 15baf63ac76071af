"""Logged steps are what agents see and do, whoever acts; what is learned from them goes on."""

from typing import Any

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.core.replay import NEXT
from recsim_env.agents.core.restoring import flattened
from recsim_env.agents.core.step_log import LoggedSteps, returns_to_go
from recsim_env.benchmark.recording import record_steps
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

SCENARIO = InterestEvolution(n_candidates=4, slate_size=2, horizon=7)


def logged(name="uniform", interactions=400, learn=0, **arguments):
    agent = make_agent(name, RecommendationVectorEnv(SCENARIO, num_envs=8), seed=1)
    agent.learn(learn) if learn else None
    return record_steps(agent, SCENARIO, interactions=interactions, num_envs=8, **arguments)


def test_what_is_seen_next_is_what_is_seen_at_the_next_step():
    log = logged()
    order = np.lexsort((log["step"], log["session_number"]))
    goes_on = np.diff(log["session_number"][order]) == 0
    before, after = order[:-1][goes_on], order[1:][goes_on]
    assert len(before) > 300
    assert (log["step"][after] == log["step"][before] + 1).all()
    assert not log["is_over"][before].any()
    fields = [name for name in log.columns if NEXT + name in log.columns]
    assert {"user", "candidates", "response", "session"} <= set(fields)
    for name in fields:
        assert np.array_equal(log[NEXT + name][before], log[name][after])


def test_sessions_begin_with_an_empty_memory_and_end_at_the_horizon():
    log = logged()
    assert not log["session"][log["step"] == 0].any()
    assert (log["step"][log["is_over"]] == 6).all()
    assert not log["is_terminal"].any()
    begun = np.unique(log["session_number"])
    assert (np.sort(log["session_number"][log["step"] == 0]) == begun).all()


def test_propensities_of_uniform_slates_are_one_in_twelve():
    assert logged()["propensity"] == pytest.approx(1 / 12)


def test_files_give_back_what_was_written(tmp_path):
    log = logged("linucb", learn=100)
    log.write(tmp_path / "steps.npz")
    again = LoggedSteps.read(tmp_path / "steps.npz")
    assert again.about == log.about
    assert all(np.array_equal(again[name], log[name]) for name in log.columns)
    assert again.columns.keys() == log.columns.keys()


def test_returns_against_a_loop():
    rng = np.random.default_rng(0)
    session = rng.permutation(np.repeat(np.arange(5), [1, 4, 2, 9, 3]))
    step = np.array([(session[:row] == session[row]).sum() for row in range(len(session))])
    steps = {"reward": rng.normal(size=len(session)), "session_number": session, "step": step}
    rest = rng.normal(size=len(session))
    found = returns_to_go(steps, gamma=0.7, rest=rest)
    for number in range(5):
        rows = np.flatnonzero(session == number)
        rows = rows[np.argsort(step[rows])]
        total = rest[rows[-1]]
        for row in rows[::-1]:
            total = steps["reward"][row] + 0.7 * total
            assert found[row] == pytest.approx(total)
    assert len(returns_to_go({name: v[:0] for name, v in steps.items()}, gamma=0.7)) == 0


# Agents that learn from them ---------------------------------------------------------------------

OFFLINE = ("iql", "bc")


def made(name, **settings) -> Any:
    pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
    return make_agent(name, RecommendationVectorEnv(SCENARIO, num_envs=8), seed=2, **settings)


@pytest.mark.parametrize("name", [*OFFLINE, "reinforce"])
def test_logs_of_other_settings_are_refused(name):
    agent = made(name)
    log = logged()
    with pytest.raises(ValueError, match=r"slate has shape \(1,\), not \(2,\)"):
        agent.learn_from(LoggedSteps({**log.columns, "slate": log["slate"][:, :1]}))
    with pytest.raises(ValueError, match="candidates has shape none"):
        agent.learn_from(LoggedSteps({k: v for k, v in log.columns.items() if k != "candidates"}))
    with pytest.raises(ValueError, match="holds no steps"):
        agent.learn_from(LoggedSteps({name: value[:0] for name, value in log.columns.items()}))


@pytest.mark.parametrize("name", [*OFFLINE, "reinforce"])
def test_who_learned_from_a_log_is_saved_with_it(name, tmp_path):
    agent = made(name, buffer_size=100).learn_from(logged())
    assert agent.num_timesteps == 400
    agent.save(tmp_path / "agent.npz")
    loaded = type(agent).load(tmp_path / "agent.npz", agent.env)
    assert name not in OFFLINE or loaded.logger.num_timesteps == agent.logger.num_timesteps == 0
    for each in (agent, loaded):
        each.learn_from(logged(seed=1)).learn(100)
    found, other = flattened(agent.state_dict()), flattened(loaded.state_dict())
    assert all(np.array_equal(found[name], other[name]) for name in found)


@pytest.mark.parametrize("name", [*OFFLINE, "reinforce"])
def test_sessions_of_a_log_are_not_taken_for_sessions_after_it_or_before(name):
    agent = made(name).learn(50).learn_from(logged()).learn(100)
    steps = np.stack([agent.replay["session_number"], agent.replay["step"]], axis=1)
    assert len(np.unique(steps, axis=0)) == len(steps) > 450


def test_own_steps_join_the_last_of_a_log():
    log = logged()
    agent = made("reinforce", buffer_size=100, refit_every=50).learn_from(log)
    assert len(agent.replay) == 400
    agent.learn(48)
    assert len(agent.replay) == 100
    assert (agent.replay["session_number"] > log["session_number"].max()).sum() == 48


def test_impossible_slates_are_not_learned_from_as_if_they_were_rare():
    log = logged()
    columns = log.columns | {"propensity": np.where(np.arange(400) < 3, 0.0, log["propensity"])}
    with pytest.raises(ValueError, match="^the log's propensity is 0 for 3 of 400 slates"):
        made("reinforce").learn_from(LoggedSteps(columns))
    made("reinforce", off_policy_correction=False).learn_from(LoggedSteps(columns))


@pytest.mark.parametrize("name", OFFLINE)
def test_the_logger_learns_as_it_would_alone(name):
    agent = made(name, exploration=0.0)
    alone = make_agent("linucb", RecommendationVectorEnv(SCENARIO, num_envs=8), seed=2)
    alone.rng.bit_generator.state = agent.rng.bit_generator.state
    agent.learn(240)
    alone.learn(240)
    assert agent.num_timesteps == agent.logger.num_timesteps == len(agent.replay) == 240
    found, expected = flattened(agent.logger.state_dict()), flattened(alone.state_dict())
    assert all(np.array_equal(found[key], expected[key]) for key in expected)


@pytest.mark.parametrize("name", OFFLINE)
def test_a_share_of_the_log_is_uniform_and_propensities_say_so(name):
    chances = made(name, exploration=0.6).learn(240).replay["propensity"]
    assert chances.min() == pytest.approx(0.6 / 12)
    assert chances.max() == pytest.approx(0.4 + 0.6 / 12)
    assert made(name, exploration=1.0).learn(240).replay["propensity"] == pytest.approx(1 / 12)


@pytest.mark.parametrize("name", OFFLINE)
@pytest.mark.parametrize("logger", ["lin_thompson", "sb3_ppo", "bc", "slateq", "epsilon_greedy"])
def test_loggers_without_exact_propensities_or_with_plans_of_their_own_are_refused(name, logger):
    if logger == "sb3_ppo":
        pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    with pytest.raises(ValueError, match=f"^logger='{logger}' is not allowed"):
        made(name, logger=logger)
