"""RLlib's module: `pip install "ray[rllib]"` beside this checkout runs these tests."""

import gymnasium
import pytest
import torch

import recsim_env  # noqa: F401  # registers the ids

pytest.importorskip("ray.rllib", reason="RLlib is not installed")

from ray.rllib.core.columns import Columns

from recsim_env.agents.frameworks.rllib import CandidateModule


def module_of(name: str, **model_config) -> tuple[CandidateModule, dict]:
    people = gymnasium.make_vec(f"recsim_env/{name}", num_envs=5)
    seen, _ = people.reset(seed=0)
    module = CandidateModule(
        observation_space=people.single_observation_space,
        action_space=people.single_action_space,
        model_config={"vf_share_layers": False, **model_config},
    )
    return module, {Columns.OBS: {name: torch.as_tensor(field) for name, field in seen.items()}}


@pytest.mark.parametrize("name", ["InterestEvolution-v0", "MusicStreaming-v0"])
def test_slates_are_drawn_by_scores(name):
    module, batch = module_of(name, width=8)
    scores = module.forward_exploration(batch)[Columns.ACTION_DIST_INPUTS]
    assert torch.equal(scores, module.network.scores(batch[Columns.OBS]))
    assert module.compute_values(batch).shape == (5,)
    distribution = module.get_exploration_action_dist_cls().from_logits(scores)
    slates = distribution.sample()
    assert slates.shape == ((5,) if "Music" in name else (5, 3))
    assert distribution.logp(slates).shape == distribution.entropy().shape == (5,)
    assert distribution.kl(distribution).abs().max() < 1e-6
    best = distribution.to_deterministic().sample()
    assert torch.equal(best.reshape(5, -1)[:, 0], scores.argmax(dim=1))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"widht": 8}, "model_config has widht; use width and network"),
        ({"vf_share_layers": True}, "vf_share_layers=True is not allowed"),
    ],
)
def test_unknown_settings_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        module_of("InterestEvolution-v0", **given)
