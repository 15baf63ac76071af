"""TorchRL's modules: `pip install torchrl` beside this checkout runs these tests."""

import gymnasium
import pytest
import torch

import recsim_env  # noqa: F401  # registers the ids

pytest.importorskip("torchrl", reason="torchrl is not installed")

from torchrl.envs import GymWrapper, check_env_specs
from torchrl.envs.utils import ExplorationType, set_exploration_type
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

from recsim_env.agents.frameworks.torchrl import CandidateActor, CandidateCritic

IDS = ["InterestEvolution-v0", "MusicStreaming-v0"]  # slates; one item, with ids


def made(name: str, num_envs: int, **settings):
    people = gymnasium.make_vec(
        f"recsim_env:recsim_env/{name}", num_envs=num_envs, autoreset_mode="Disabled", **settings
    )
    return people, GymWrapper(people, categorical_action_encoding=True)


@pytest.mark.parametrize(
    ("mode", "encoding"),
    # SameStep without it fails where there are ids, with Gymnasium's SyncVectorEnv too: TorchRL
    # makes one-hot vectors of a step's ids, but not of those in the infos of an episode's end.
    [("Disabled", False), ("Disabled", True), ("SameStep", True)],
)
@pytest.mark.parametrize("name", IDS)
def test_specs_of_dict_observations_hold(name, mode, encoding):
    people = gymnasium.make_vec(f"recsim_env/{name}", num_envs=3, autoreset_mode=mode)
    check_env_specs(GymWrapper(people, categorical_action_encoding=encoding))


@pytest.mark.parametrize("name", IDS)
def test_actors_collect_and_losses_learn(name):
    torch.manual_seed(0)
    people, env = made(name, 4)
    actor, critic = CandidateActor(people, width=8), CandidateCritic(people, width=8)
    with torch.no_grad():
        steps = env.rollout(6, actor, break_when_any_done=False)
    shape = (4, 6) if name.startswith("Music") else (4, 6, 3)
    assert steps["action"].shape == shape
    log_probs = actor.get_dist(steps).log_prob(steps["action"])
    torch.testing.assert_close(log_probs, steps[actor.log_prob_keys[0]])
    with torch.no_grad():
        GAE(gamma=0.9, lmbda=0.9, value_network=critic)(steps)
    loss = ClipPPOLoss(actor, critic)
    parts = loss(steps.reshape(-1))
    (parts["loss_objective"] + parts["loss_critic"] + parts["loss_entropy"]).backward()
    gradients = {name: weight.grad for name, weight in loss.named_parameters()}
    assert gradients and all(gradient is not None for gradient in gradients.values())


def test_the_deterministic_slates_are_the_best_scored():
    people, env = made("InterestEvolution-v0", 5)
    actor = CandidateActor(people, width=8)
    with set_exploration_type(ExplorationType.DETERMINISTIC):
        seen = actor(env.reset())
    best = seen["logits"].sort(dim=1, descending=True, stable=True).indices[:, :3]
    assert torch.equal(seen["action"], best)


def test_a_single_person_has_the_same_actor():
    single = gymnasium.make("recsim_env/InterestEvolution-v0")
    env = GymWrapper(single, categorical_action_encoding=True)
    steps = env.rollout(3, CandidateActor(single, width=8))
    assert steps["action"].shape == (3, 3)
    assert steps["logits"].shape == (3, 10)
