"""The network's last layer against the closed form, and a world that no line describes."""

import sys

import numpy as np
import pytest
from scipy import stats

from recsim_env.agents import make_agent
from recsim_env.agents.bandits.neural_linear import NeuralLinear
from recsim_env.agents.core.restoring import flattened

pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')


def last_layer(agent, people, items):
    """Returns (1, z) of rows of inputs by the network's arrays, one layer after the other."""
    model = agent.model
    values = (np.hstack([people, items]).astype(float) - model["centre"]) / model["deviation"]
    for layer in (0, 1):
        values = np.maximum(values @ model[f"weight_{layer}"] + model[f"bias_{layer}"], 0.0)
    return np.column_stack([np.ones(len(values)), values])


@pytest.mark.parametrize("steps", [320, 352, 448])
def test_last_layer_is_the_closed_form_of_the_whole_log(checkerboard, steps):
    """Right after a fit, and where later batches were added one by one."""
    agent = NeuralLinear(checkerboard(32), refit_every=160, features=5, ridge=0.3)
    agent.finish = lambda: None  # no fit when learning ends
    agent.learn(steps)
    log = agent.log
    x = last_layer(agent, log["user"], log["candidates"])
    rewards = log["reward"] / agent.model["reward_scale"]
    weights = log["examination_probability"].astype(float)
    precision = 0.3 * np.eye(6) + (weights[:, None] * x).T @ x
    mean = np.linalg.solve(precision, (weights * rewards) @ x)
    posterior = agent._posterior(agent.model)
    assert posterior.mean == pytest.approx(mean, abs=1e-6)
    assert posterior.precision == pytest.approx(precision, rel=1e-9, abs=1e-6)
    assert agent._noise()[0] == pytest.approx(6 + weights.sum() / 2)
    residual = weights @ (rewards - x @ mean) ** 2 + 0.3 * mean @ mean
    assert agent._noise()[1] == pytest.approx(6 + residual / 2, rel=1e-6)


def test_scores_are_drawn_with_the_noise_that_is_believed_in(checkerboard):
    """A score less its mean, over the root of xᵀ A⁻¹ x, has a Student t distribution."""
    agent = NeuralLinear(checkerboard(8), refit_every=64, noise_shape=1.0).learn(64)
    observation, _ = agent.env.reset(seed=1)
    n = 5_000
    crowd = {name: np.repeat(value[:1], n, axis=0) for name, value in observation.items()}
    drawn = agent.scores(crowd, None, deterministic=False)[:, 0]
    x = last_layer(agent, observation["user"][:1], observation["candidates"][0, :1])[0]
    posterior = agent._posterior(agent.model)
    shape, scale = agent._noise()
    width = np.sqrt(scale / shape * x @ posterior.covariance @ x)
    found = stats.kstest((drawn - x @ posterior.mean) / width, stats.t(2 * shape).cdf)
    assert found.pvalue > 1e-6
    mean = agent.scores(crowd, None, deterministic=True)[:, 0]
    assert mean == pytest.approx(np.full(n, x @ posterior.mean))


def test_learns_a_product_that_a_sum_of_features_cannot_say(checkerboard, share_of_matches):
    agent = NeuralLinear(checkerboard()).learn(4_000)
    uniform = make_agent("uniform", checkerboard())
    people = checkerboard(500)
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.4


def test_shows_uniform_slates_until_the_first_fit(checkerboard):
    agent = NeuralLinear(checkerboard())
    observation, _ = agent.env.reset(seed=1)
    assert not agent.scores(observation, None, deterministic=False).any()


def test_same_seed_trains_the_same_network(checkerboard):
    first, second = (NeuralLinear(checkerboard(), seed=3).learn(1_200) for _ in range(2))
    arrays = flattened(first.state_dict())
    for name, value in flattened(second.state_dict()).items():
        assert np.array_equal(arrays[name], value)


def test_who_takes_back_what_another_learned_leaves_the_other_alone(checkerboard):
    first, second = (NeuralLinear(checkerboard(), refit_every=400) for _ in range(2))
    second.load_state_dict(first.learn(400).state_dict())
    before = {name: value.copy() for name, value in flattened(first.state_dict()).items()}
    second.finish = lambda: None  # no fit, which would begin anew
    second.learn(100)
    after = flattened(first.state_dict())
    assert all(np.array_equal(after[name], value) for name, value in before.items())


def test_its_training_leaves_torchs_generator_alone(checkerboard):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    NeuralLinear(checkerboard()).learn(1_100)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("hidden", 0),
        ("learning_rate", 0.0),
        ("weight_decay", -1.0),
        ("noise_scale", 0.0),
        ("ridge", -1.0),
    ],
)
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value} is not allowed"):
        NeuralLinear(checkerboard(), **{setting: value})


def test_missing_library_is_one_sentence_with_the_remedy(checkerboard, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r'pip install "recsim-env\[agents\]"$'):
        NeuralLinear(checkerboard())
