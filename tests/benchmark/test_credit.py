"""What could be told of the long-term value, and what agents show of it."""

import pytest

pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')

from recsim_env.agents import make_agent
from recsim_env.benchmark import told
from recsim_env.benchmark.credit import credit
from recsim_env.cli import main
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_exploration import InterestExploration
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction


def test_who_knows_the_value_has_all_credit_and_who_shows_anything_none():
    env = RecommendationVectorEnv(LongTermSatisfaction(), num_envs=4)
    found = {
        name: credit(make_agent(name, env), env.scenario, n_moments=2_000)
        for name in ("far_sighted", "uniform")
    }
    assert found["far_sighted"].learned == pytest.approx(1.0)
    assert found["uniform"].learned == pytest.approx(0.0, abs=0.15)  # 400 moments
    for each in found.values():
        assert each.predictable > 0.95, "the value follows from what is seen"
        assert each.hidden + each.lost + each.learned == pytest.approx(1.0)


def test_a_scenario_without_long_term_value_has_no_credit_to_give():
    env = RecommendationVectorEnv(InterestExploration(), num_envs=4)
    with pytest.raises(ValueError, match="long_term_value"):
        credit(make_agent("uniform", env), env.scenario, n_moments=200)


def test_who_is_told_what_follows_from_what_is_seen_acts_as_who_knows_it(capsys, monkeypatch):
    monkeypatch.setattr(told, "_N_SLOTS", 40)
    monkeypatch.setattr(told, "_EPOCHS", 20)
    found = told.acting(LongTermSatisfaction(), n_episodes=50, n_rounds=1)
    assert found.oracle < 0.5 * found.far_sighted
    assert found.share == pytest.approx(1.0, abs=0.1)
    options = ["--moments", "400", "--acting", "20", "--profiles"]
    for name, value in (("_N_STEPS_BEFORE", 10), ("_N_STEPS", 4), ("_EPOCHS", 1)):
        monkeypatch.setattr(told, name, value)
    assert main(["credit", "Boredom", "uniform", *options]) == 0
    assert "far_sighted" in capsys.readouterr().out.splitlines()[-1]


def test_the_table_has_a_row_for_each_agent(capsys):
    agents = ["uniform", "far_sighted"]
    assert main(["credit", "LongTermSatisfaction", *agents, "--moments", "400"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["agent", *agents]
    assert lines[2].split()[3] == "1.00"
