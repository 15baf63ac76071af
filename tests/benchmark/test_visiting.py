"""What is kept of one person's session is what happened in it, and says what nobody could see."""

import json

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate
from recsim_env.benchmark.visiting import record_visit, witness
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv, resolve_scenario
from recsim_env.envs.registry import ENVIRONMENTS
from recsim_env.envs.render import describe_step

EVOLUTION = resolve_scenario(
    "InterestEvolution", n_topics=4, n_candidates=5, slate_size=2, time_budget=20.0
)
MUSIC = resolve_scenario("MusicStreaming", n_users=20, n_items=40)


def agent_in(scenario, name="oracle"):
    return make_agent(name, RecommendationVectorEnv(scenario, num_envs=2), seed=0)


def first_of_all(observation):
    return np.zeros((len(next(iter(observation.values()))), 2), np.int64)


@pytest.mark.parametrize("scenario", [EVOLUTION, MUSIC], ids=["evolution", "music"])
def test_it_is_the_first_person_of_an_evaluation(scenario):
    agent = agent_in(scenario)
    visit = record_visit(agent, scenario, seed=7)
    found = evaluate(agent, scenario, n_episodes=3, num_envs=3, seed=7)
    assert sum(step.reward for step in visit.steps) == pytest.approx(found.returns[0])
    assert len(visit.steps) == found.lengths[0]
    assert sum(step.clicked.sum() for step in visit.steps) == found.clicks[0]
    assert [step.is_over for step in visit.steps] == [False] * (len(visit.steps) - 1) + [True]


def test_words_are_those_of_render():
    env = RecommendationEnv(EVOLUTION, render_mode="ansi")
    env.reset(seed=3)
    lines = [env.render()]
    seen = list(witness(first_of_all, EVOLUTION, seed=3, episodes=2, max_steps=6))
    for moment in seen[1:]:
        if moment.step is None:
            env.reset()
        else:
            env.step([0, 0])
        lines.append(env.render())
    assert [describe_step(moment.scene) for moment in seen] == lines
    assert sum(moment.step is not None for moment in seen) == 6


def test_agents_meet_the_same_person():
    visits = [record_visit(agent_in(MUSIC, name), MUSIC, seed=5) for name in ("uniform", "oracle")]
    assert visits[0].arrival == visits[1].arrival
    assert visits[0].user_id == visits[1].user_id
    assert [visit.agent for visit in visits] == ["Uniform", "Oracle"]


def test_watching_changes_no_agent():
    agent = agent_in(EVOLUTION, "uniform")
    stage, before = agent.stage, agent.rng.bit_generator.state
    record_visit(agent, EVOLUTION, seed=1)
    assert agent.stage is stage
    assert agent.rng.bit_generator.state == before


def test_an_empty_place_is_a_row_without_an_item():
    visit = record_visit(first_of_all, EVOLUTION, seed=0, max_steps=3)
    columns = visit.columns()
    assert columns["place"].tolist() == [0, 1] * 3
    assert columns["title"][1::2].tolist() == ["nothing"] * 3
    seen = [name for name in columns if name.startswith("feature_")]
    assert seen
    for name in [*seen, "true_item_quality"]:
        assert np.isnan(columns[name][1::2]).all()
        assert np.isfinite(columns[name][::2]).all()
    assert [step["slate"][1] for step in visit.as_dict()["steps"]] == [None] * 3


def test_features_are_what_was_seen_of_the_item_shown():
    agent = agent_in(MUSIC, "uniform")
    visit = record_visit(agent, MUSIC, seed=2, max_steps=4)
    env = RecommendationEnv(MUSIC)
    observation, _ = env.reset(seed=2)
    names = MUSIC.schema.column_names["candidates"]
    for step in visit.steps:
        place = observation["item_id"].tolist().index(int(step.item_ids[0]))
        seen = [step.features[name][0] for name in names]
        np.testing.assert_array_equal(seen, observation["candidates"][place])
        np.testing.assert_array_equal(step.true_state["taste"], env.user["taste"])
        observation, reward, *_ = env.step(place)
        assert step.reward == reward
        response = [step.response[name][0] for name in MUSIC.schema.column_names["response"]]
        np.testing.assert_array_equal(response, observation["response"][0])
    np.testing.assert_array_equal(visit.true_end["taste"], env.user["taste"])


@pytest.mark.parametrize("name", list(ENVIRONMENTS)[:12])
def test_every_scenario_leaves_a_table_and_json(name):
    scenario = resolve_scenario(name)
    visit = record_visit(agent_in(scenario, "uniform"), scenario, seed=1, max_steps=3)
    columns = visit.columns()
    assert {len(values) for values in columns.values()} == {len(visit.steps) * scenario.slate_size}
    assert all(values.ndim == 1 for values in columns.values())
    whole, brief = visit.as_dict(), visit.as_dict(whole=False)
    for form in (whole, brief):
        assert json.loads(json.dumps(form, allow_nan=False)) == form
        assert [step["reward"] for step in form["steps"]] == pytest.approx(
            [step.reward for step in visit.steps], rel=0.01
        )
    assert len(json.dumps(brief)) < len(json.dumps(whole))
    truth = {f"true_user_{field}" for field in scenario.schema.dtypes["user"].names or ()}
    assert all(any(name.startswith(each) for name in columns) for each in truth)
