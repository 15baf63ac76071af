"""Feedback loops: what is asked for, what is refused, and that a folder goes on."""

import pytest

from recsim_env.benchmark.feedback import feedback_settings, run_feedback, write_feedback
from recsim_env.results.loops import loops_in
from recsim_env.results.metrics import metric_table
from recsim_env.results.table import ResultTable

pytestmark = pytest.mark.learns

SMALL = {"n_users": 20, "n_items": 60, "max_slates": 20}
FEW = {"interactions": 240, "rounds": 2, "seeds": 2, "eval_episodes": 20, "jobs": 1}


def test_each_agent_learns_from_its_own_slates_and_from_uniform_ones():
    settings = feedback_settings("RatedCatalogue", ["popularity"], interactions=1000, rounds=4)
    assert settings.agents == {
        "popularity, own log": {"agent": "popularity", "exploration": 0.0, "refit_every": 250},
        "popularity, random log": {"agent": "popularity", "exploration": 1.0, "refit_every": 250},
    }
    assert settings.checkpoint_interactions == (250, 500, 750, 1000)


def test_loops_are_told_round_by_round_and_nothing_is_played_twice(tmp_path):
    settings = feedback_settings("RatedCatalogue", ["popularity"], scenario_settings=SMALL, **FEW)
    page = run_feedback(settings, tmp_path)
    assert "own less uniform" in page.read_text()
    assert (tmp_path / "feedback.png").is_file()
    table = ResultTable(tmp_path)
    (scenario,) = table.scenarios()
    (loop,) = loops_in(table, metric_table(tmp_path), scenario)
    assert loop.interactions == [120, 240]
    assert loop.utility.excess.n == 2
    before = (tmp_path / "rows.csv").read_bytes()
    run_feedback(settings, tmp_path)
    assert (tmp_path / "rows.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("scenario", "agent", "given", "why"),
    [
        ("RatedCatalogue", "linucb", {}, "fits no model to a log"),
        ("RatedCatalogue", "item_nn", {}, "did you mean"),
        ("RatedCatalogue", "ials", {"rounds": 1}, "at least 2"),
        ("RatedCatalogue", "ials", {"rounds": 10, "interactions": 5}, "at most interactions=5"),
        ("InterestEvolution", "content", {}, "catalogue"),
        ("CreatorEconomy", "popularity", {}, "one person"),
        ("MusicStreaming", "ials", {"scenario_settings": {"n_itms": 5}}, "n_itms"),
    ],
)
def test_what_cannot_be_measured_is_refused(scenario, agent, given, why):
    with pytest.raises(ValueError, match=why):
        feedback_settings(scenario, [agent], **given)


def test_a_folder_of_two_scenarios_is_refused(tmp_path):
    table = ResultTable(tmp_path)
    for scenario in ("one", "other"):
        about = {"scenario": scenario, "agent": "a", "seed": 0, "config_hash": "h"}
        table.append_run([about | {"phase": "final", "return_mean": 1.0}])
    with pytest.raises(ValueError, match=r"2 scenarios \(one, other\); .* folder of its own"):
        write_feedback(tmp_path)
