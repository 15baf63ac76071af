"""Estimators by topics of actions, where rewards go through topics and where they do not."""

import numpy as np
import pytest

from recsim_env.ope import LoggedActions
from recsim_env.ope.bandits import ips
from recsim_env.ope.embeddings import mips, regressed_weights, topic_weights

TOPICS = np.array([0, 0, 1, 1, 1])
COUNTS = np.array([4, 1, 3, 1, 1])  # of each action in a log of ten
LOGGING = COUNTS / 10
TARGET = np.array([0.1, 0.5, 0.1, 0.1, 0.2])
ACTION = np.tile(np.repeat(np.arange(5), COUNTS), 400)
N = len(ACTION)
WEIGHTS = topic_weights(np.tile(LOGGING, (N, 1)), np.tile(TARGET, (N, 1)), TOPICS, TOPICS[ACTION])


def log(reward):
    return LoggedActions(reward=reward[ACTION], propensity=LOGGING[ACTION], target=TARGET[ACTION])


def test_weights_of_topics_are_means_of_those_of_actions():
    assert set(WEIGHTS.round(12)) == {1.2, 0.8}
    rewards = log(np.zeros(5))
    for topic in (0, 1):
        alike = TOPICS[ACTION] == topic
        assert WEIGHTS[alike].mean() == pytest.approx(rewards.weights[alike].mean())


def test_topics_are_enough_where_rewards_go_through_them():
    of_topics, of_actions = np.array([2.0, 2.0, -1.0, -1.0, -1.0]), np.arange(5.0)
    found = mips(log(of_topics), WEIGHTS)
    assert found.value == pytest.approx(TARGET @ of_topics)
    assert found.high - found.low < ips(log(of_topics)).high - ips(log(of_topics)).low
    assert mips(log(of_topics), WEIGHTS, self_normalised=True).value == pytest.approx(found.value)
    assert abs(mips(log(of_actions), WEIGHTS).value - TARGET @ of_actions) > 0.1


def test_weights_of_any_embedding_are_regressed():
    features = np.eye(2)[TOPICS[ACTION]]
    found = regressed_weights(log(np.zeros(5)), features, ridge=1e-9)
    np.testing.assert_allclose(found, WEIGHTS, atol=0.1)  # fitted to four fifths of the rows
    assert found.mean() == pytest.approx(1.0)


def test_a_topic_without_a_chance_is_refused():
    never = np.tile([0.0, 0.0, 0.5, 0.25, 0.25], (N, 1))
    with pytest.raises(ValueError, match="has probability 0 under the logging policy"):
        topic_weights(never, never, TOPICS, TOPICS[ACTION])
    with pytest.raises(ValueError, match="weights have shape"):
        mips(log(np.zeros(5)), WEIGHTS[:3])
