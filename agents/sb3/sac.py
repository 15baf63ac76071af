"""Soft actor-critic in the space of item features."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.sb3.agent import SB3Agent
from recsim_env.agents.sb3.off_policy import KeptReplay, OffPolicySettings
from recsim_env.core.search import Search
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.action_forms import ActionForm, FeatureWeights


@dataclass(frozen=True, kw_only=True)
class SACSettings(OffPolicySettings):
    """What SAC is given."""

    entropy: float = setting(
        -1.0,
        search=Search(-4.0, 0.0),
        doc="wanted of the policy, in nats for each feature; its weight begins with 0.1",
    )


class SACAgent(SB3Agent):
    """Says which way the items to show lie in the space of features, however many there are.

    Idea: an action is a direction a among item features, and the slate the candidates with the
      largest a · f. So the cost of choosing does not depend on how many slates there are, and what
      was learned of one item serves its neighbours.
    Update: the critics Q_1, Q_2 regress on r + gamma (min_j Q_j'(o', a') - alpha log pi(a' | o')),
      without the second term where the person left; the actor pi, a Gaussian squashed to [-1, 1],
      follows the gradient of min_j Q_j(o, a) - alpha log pi(a | o); alpha follows the entropy that
      is wanted. All by Adam on batches from a replay buffer; Q' <- (1 - tau) Q' + tau Q. The actor
      sees the person and the mean of the candidates, the critics the person and the candidates that
      a picks out (`DirectionCritics`).
    Cost: a gradient step for every `update_every` interactions, O(batch_size n_candidates width²);
      a decision O(n_candidates (width² + n_features)).
    Source: Dulac-Arnold et al. 2015, "Deep reinforcement learning in large discrete action spaces"
      (arXiv 1512.07679), the proto-action; Haarnoja et al. 2018, "Soft actor-critic algorithms and
      applications" (arXiv 1812.05905), as in Stable-Baselines3.
    Differs: the largest inner products are shown and not the nearest points: there is no farthest
      point that is best where more of a feature is better, features have no common bounds, and a
      direction ranks all items where a point ranks those around it. No critic chooses among the
      neighbours; all of them are the slate.
    """

    Settings = SACSettings
    settings: SACSettings
    form: FeatureWeights

    #: Shorter than the session, as with values of slates.
    scale_discount: ClassVar[float] = 0.9

    def action_form(self, env: RecommendationVectorEnv) -> ActionForm:
        """Returns that actions are weights of features, a direction among them."""
        return FeatureWeights(env.scenario, env.single_observation_space)

    def make_model(self, env: Any) -> Any:
        """Returns Stable-Baselines3's SAC with a `CandidateWeightPolicy`."""
        from stable_baselines3 import SAC

        from recsim_env.agents.frameworks.sb3 import CandidateWeightPolicy

        settings = self.settings
        return SAC(
            CandidateWeightPolicy,
            env,
            ent_coef="auto_0.1",
            target_entropy=settings.entropy * env.action_space.shape[0],
            policy_kwargs={
                "net_arch": [settings.width],
                "network": settings.network,
                "width": settings.width,
            },
            device=self.device,
            **settings.of_model(env),
        )

    def choose(self, tensors: Any, *, deterministic: bool) -> np.ndarray:
        """Shows what lies furthest in the mean direction, or in one drawn around it."""
        means, log_deviations, _ = self.model.actor.get_action_dist_params(tensors)
        points = means.cpu().numpy()
        if not deterministic:
            deviations = log_deviations.exp().cpu().numpy()
            points = points + deviations * self.rng.standard_normal(points.shape)
        observation = {"candidates": tensors["candidates"].cpu().numpy()}
        return self.form.slates(np.tanh(points), observation)

    def kept_parts(self) -> dict[str, Any]:
        """Returns the replay buffer."""
        return {"replay": KeptReplay(self.model)}
