"""Marginalized IPS by what items show, or tables tell of them, from a log of single items."""

import numpy as np
import pytest

from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.benchmark.off_policy import (
    PolicyLog,
    chances_of,
    from_obp,
    judge,
    uniform_chances,
    with_estimated_propensities,
)
from recsim_env.benchmark.off_policy.embedding import (
    item_embedding,
    shown_embedding,
    topic_embedding,
)
from recsim_env.benchmark.off_policy.item_table import read_item_features
from recsim_env.scenarios.boredom import Boredom
from recsim_env.scenarios.interest_exploration import InterestExploration
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

# Six actions of two genres, which alone decide what is earned: 1 of the second, 0 of the first.
GENRE = np.array([0, 0, 0, 1, 1, 1])
ITEMS = "action,genre,price\n" + "".join(
    f"{action},{'ab'[genre]},{1.5 * action}\n" for action, genre in enumerate(GENRE)
)
ACTION = np.tile([0, 0, 0, 1, 2, 3, 4, 5, 5, 5], 30)
LOGGING = np.array([0.3, 0.1, 0.1, 0.1, 0.1, 0.3])
TARGET = np.array([0.05, 0.2, 0.05, 0.3, 0.3, 0.1])


@pytest.fixture(scope="module")
def log():
    feedback = {"n_actions": 6, "context": np.zeros((300, 1)), "action": ACTION}
    return from_obp(feedback | {"reward": GENRE[ACTION] * 1.0, "pscore": LOGGING[ACTION]})


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "items.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def mips_of(log, embedding):
    target = chances_of(np.tile(TARGET, (len(log), 1)), log)
    (found,) = judge("target", log, target, estimators=["mips"], embedding=embedding)
    return found


def test_without_an_embedding_real_logs_have_no_marginalized_estimate(log):
    target = uniform_chances(log)
    assert not judge("uniform", log, target, estimators=["mips"])


def test_weights_of_a_genre_are_regressed_where_chances_of_others_are_unknown(log, table):
    embedding = item_embedding(log, read_item_features(table(ITEMS), ["genre"]), "genre")
    found = mips_of(log, embedding)
    assert found.setting == "genre regressed"
    assert found.estimate.mean == pytest.approx(0.7, abs=0.02)  # what the target shows of "b"
    (ips,) = judge(
        "t", log, chances_of(np.tile(TARGET, (300, 1)), log), estimators=["ips"], embedding=None
    )
    assert ips.effective < found.effective
    assert not found.warnings  # their mean is as uncertain as that of the actions' weights


def test_weights_of_a_genre_are_exact_where_chances_of_all_are_known(log, table):
    known = dict(log.columns) | {"candidate_propensity": np.tile(LOGGING, (300, 1, 1))}
    log = PolicyLog(known, log.about)
    features = read_item_features(table(ITEMS), ["genre"])
    found = mips_of(log, item_embedding(log, features, "genre"))
    assert found.setting == "genre"
    assert found.estimate.mean == pytest.approx(0.7)
    estimated = with_estimated_propensities(log).log
    found = mips_of(estimated, item_embedding(estimated, features, "genre"))
    assert found.setting == "genre"
    assert found.estimate.mean == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize(
    ("change", "names", "said"),
    [
        (("5,b,7.5\n", ""), ["genre"], "lacks 1 of 6 items of the log, such as '5'"),
        (("4,b,", "5,b,"), [], "line 7: column 'action' is .*which line 6 has too"),
        (("1,a,1.5", "1,,1.5"), ["genre"], "line 3: column 'genre' is .*a missing value; fill it"),
        ((",genre", ",kind"), ["genre"], "has no column 'genre'; its columns are 'action', 'kind'"),
        (("b", "a"), ["genre"], "'genre' tells no items apart.*name other columns"),
    ],
)
def test_a_table_that_does_not_describe_the_items_is_refused(log, table, change, names, said):
    with pytest.raises(ValueError, match=said):
        item_embedding(log, read_item_features(table(ITEMS.replace(*change)), names), "genre")


def simulated(scenario, n=20):
    """A log of a scenario's fields, all of zeros, of what is at first."""
    rows = np.arange(n)
    columns = {
        name: np.zeros((n, *space.shape), np.float32)
        for name, space in scenario.schema.spaces.items()
    }
    slate = np.tile(np.arange(scenario.slate_size, dtype=np.int32), (n, 1))
    over = np.ones(n, bool)
    columns |= {"slate": slate, "clicked": slate < 0, "reward": np.zeros(n, np.float32)}
    columns |= {"is_over": over, "is_terminal": over.astype(np.float32), "propensity": over * 0.5}
    columns |= {"session_number": rows.astype(np.int32), "step": np.zeros(n, np.int32)}
    return PolicyLog.of(LoggedSteps(columns, {}), scenario)


def test_what_items_show_is_named_by_field_or_by_column():
    log = simulated(InterestExploration(n_candidates=4))
    log["candidates"][:, 2, 1] = 1.0
    log["candidates"][3, :, 2] = [0.1, 0.2, 0.3, 0.4]
    topic = shown_embedding(log, ["topic"])
    assert topic.candidates.shape == (20, 4, 2)
    assert np.array_equal(topic.kinds, np.tile([0, 0, 1, 0], (20, 1)))
    both = shown_embedding(log, ["topic_1", "quality"])
    assert both.name == "topic_1, quality"
    assert both.shown(log["slate"])[3] == pytest.approx([0.0, 0.1])
    with pytest.raises(ValueError, match="items show no 'qualty'; they show .*mean 'quality'"):
        shown_embedding(log, ["qualty"])
    slates = simulated(RatedCatalogue(n_users=5, n_items=9, n_candidates=4, slate_size=2))
    with pytest.raises(ValueError, match="judges single items, and the log has slates of 2"):
        shown_embedding(slates, ["feature"])
    with pytest.raises(ValueError, match="judges single items, and the log has slates of 2"):
        item_embedding(slates, {}, "genre")


def test_a_log_whose_items_show_nothing_asks_for_a_table(log):
    with pytest.raises(ValueError, match=r"show no features, .*no genre; .* --items FILE"):
        shown_embedding(log, ["genre"])


def test_topics_are_kinds_however_many():
    n_topics = 110
    scenario = Boredom(n_topics=n_topics, n_items=200, n_candidates=n_topics, slate_size=1)
    log = simulated(scenario, n=3)
    log["candidates"][:, np.arange(n_topics), np.arange(n_topics)] = 1.0
    found = topic_embedding(log).kinds
    assert np.array_equal(found, np.tile(np.arange(n_topics), (3, 1)))
