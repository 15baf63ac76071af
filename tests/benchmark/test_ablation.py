"""The value of an ability is the ratio of what policies with and without it earn, less 1."""

import shutil

import numpy as np
import pytest

from recsim_env.benchmark.ablation import ablations_of, as_markdown, named_worlds, run_ablations
from recsim_env.cli import main
from recsim_env.results.intervals import Estimate
from recsim_env.results.table import ResultTable
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

WORLD = {"InterestEvolution": {"n_topics": 4, "time_budget": 40.0}}
SMALL = {"seeds": 3, "interactions": 200, "eval_episodes": 20, "jobs": 1}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablation")
    return folder, run_ablations(WORLD, folder, **SMALL)


def table_of(folder):
    return ResultTable(folder / "InterestEvolution")


def test_gains_are_ratios_of_mean_returns(measured):
    folder, values = measured
    table = table_of(folder)

    def mean(agent):
        return np.mean([row["return_mean"] for row in table.rows(phase="final", agent=agent)])

    gains = values["InterestEvolution"]
    assert list(gains) == ["personalization", "exploration", "planning", "diversity"]
    assert gains["personalization"].mean == pytest.approx(
        mean("oracle") / mean("without person") - 1
    )
    assert gains["planning"].mean == pytest.approx(mean("far_sighted") / mean("oracle") - 1)
    best = max(mean(agent) for agent in ("a little diverse", "diverse", "very diverse"))
    assert gains["diversity"].mean == pytest.approx(best / mean("oracle") - 1)
    assert gains["personalization"].low < gains["personalization"].mean


def test_a_second_call_keeps_what_is_there(measured):
    folder, values = measured
    before = (folder / "InterestEvolution" / "rows.csv").read_bytes()
    assert run_ablations(WORLD, folder, **SMALL) == values
    assert (folder / "InterestEvolution" / "rows.csv").read_bytes() == before
    assert (folder / "values.md").read_text() == as_markdown(values)
    command = table_of(folder).read_settings()["command"]
    assert command == (
        "recsim-env ablate InterestEvolution --set n_topics=4 --set time_budget=40.0 --seeds 3 "
        f"--interactions 200 --episodes 20 --out {folder}"
    )


def test_other_settings_are_refused_before_any_world_is_measured(measured):
    folder, values = measured
    worlds = {"InterestExploration": {}, **WORLD}
    with pytest.raises(ValueError, match="eval_episodes=21, there 20"):
        run_ablations(worlds, folder, **{**SMALL, "eval_episodes": 21})
    assert not (folder / "InterestExploration").exists()
    assert (folder / "values.md").read_text() == as_markdown(values)


def test_the_page_tells_of_all_worlds_in_the_folder(measured, tmp_path):
    folder, values = measured
    shutil.copytree(folder, tmp_path / "ablation")
    (tmp_path / "ablation" / "ranking").mkdir()
    (tmp_path / "ablation" / "ranking" / "rows.csv").write_text("log,agent\n")
    world = {"small": {"scenario": "InterestExploration", "horizon": 20}}
    more = run_ablations(world, tmp_path / "ablation", **SMALL)
    assert list(more) == ["small"]
    assert (tmp_path / "ablation" / "values.md").read_text() == as_markdown(values | more)


def test_what_a_world_has_no_use_for_is_left_out():
    assert "context" not in ablations_of(InterestEvolution())
    assert list(ablations_of(RatedCatalogue())) == ["personalization", "exploration"]
    assert as_markdown({"RatedCatalogue": {}}).splitlines()[-1].count("–") == 5


def test_a_world_without_an_oracle_is_refused(tmp_path):
    world = {"scenario": "LongTermSatisfaction", "reward": "clicks"}
    with pytest.raises(ValueError, match="ablated without the oracle: .*reward=clicks"):
        run_ablations({"paid by click": world}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_names_are_worlds_or_scenarios():
    assert named_worlds(["RecSim-InterestEvolution"]) == {"RecSim-InterestEvolution": {}}
    assert len(named_worlds([])) > 4
    with pytest.raises(ValueError, match="'Nowhere' is unknown"):
        named_worlds(["Nowhere"])


def test_the_command_prints_the_table(tmp_path, capsys):
    arguments = ["ablate", "InterestExploration", "--seeds", "2", "--interactions", "64"]
    arguments += ["--episodes", "4", "--jobs", "1", "--out", str(tmp_path)]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| value of | context | personalization")
    assert lines[2].startswith("| InterestExploration | – | ")


def test_what_a_world_of_a_log_has_is_ablated():
    scenario = RatedCatalogue()
    assert not {"repetition", "period"} & set(ablations_of(scenario))
    groups = {"repetition": ("consumed",), "period": ("period",)}
    object.__setattr__(scenario, "state_groups", groups)
    assert {"repetition", "period"} <= set(ablations_of(scenario))
    gains = {"RatedCatalogue": {"repetition": Estimate(0.1, 0.0, 0.2, 3, "bootstrap")}}
    assert " repetition |" in as_markdown(gains) and " period |" not in as_markdown(gains)
