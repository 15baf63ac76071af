"""What a terminal and a notebook show of agents, evaluations and tables is short."""

import numpy as np
import pyarrow
import pytest

from recsim_env.agents import make_agent
from recsim_env.benchmark.evaluation import Evaluation
from recsim_env.benchmark.ranking.run import ROWS
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.results.layout import COLUMNS
from recsim_env.results.table import ResultTable
from tests.checkout import REPOSITORY

RESULTS = REPOSITORY / "docs" / "results"


def test_an_agent_says_where_and_how_much_it_learned():
    env = RecommendationVectorEnv("BernoulliBandit", num_envs=4)
    agent = make_agent("thompson", env, seed=3)
    assert repr(agent) == "<Thompson in BernoulliBandit, learned from 0 interactions>"
    agent.learn(8)
    assert repr(agent) == "<Thompson in BernoulliBandit, learned from 8 interactions>"
    shown = agent._repr_html_()
    assert "learned from 8 interactions, seed 3" in shown
    assert all(name in shown for name in agent.settings.as_dict())
    assert repr(make_agent("oracle", env)) == "<Oracle in BernoulliBandit, learns nothing>"


def test_an_evaluation_says_its_return_with_its_interval():
    found = Evaluation(np.array([1.0, 2.0, 3.0]), np.full(3, 10), np.full(3, np.nan))
    assert repr(found) == "<Evaluation of 3 episodes: return 2.0 [−0.5, 4.5]>"
    assert "<td style='text-align:right'>0.2000</td>" in found._repr_html_()


@pytest.mark.parametrize(
    ("folder", "layout", "said"),
    [
        ("default", None, "30 runs of 10 agents in 1 scenario>"),
        ("ranking/time", ROWS, "in 1 log>"),
    ],
)
def test_a_table_says_what_is_in_it(folder, layout, said):
    table = ResultTable(RESULTS / folder, *([layout] if layout else []))
    assert repr(table).endswith(said)
    shown = table._repr_html_()
    assert shown.count("<tr>") == len({row["agent"] for row in table.rows(phase="final")}) + 1


def test_names_are_text_in_a_notebook(tmp_path):
    table = ResultTable(tmp_path)
    about = {"scenario": "<b>", "agent": "a&b", "seed": 0, "phase": "final", "config_hash": "c"}
    table.append_run([about | {"return_mean": 1.0}])
    assert "<b>" not in table._repr_html_() and "a&amp;b" in table._repr_html_()


@pytest.mark.parametrize("phase", ["final", "failed"])
def test_columns_keep_their_types_of_no_rows_too(phase):
    table = ResultTable(RESULTS / "default")
    frame = pyarrow.table(table.columns(phase=phase))
    assert frame.column_names == list(COLUMNS)
    assert frame.num_rows == len(table.rows(phase=phase))
    assert frame.schema.field("seed").type == pyarrow.int64()
    assert frame.schema.field("return_mean").type == pyarrow.float64()
