"""Deep Q-learning over slates: of values, or quantiles, made from items, or of each slate."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.settings import FallingExploration
from recsim_env.agents.core.slate_distribution import Listed, Mixture, Ranked, SlateDistribution
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.sb3.agent import SB3Agent
from recsim_env.agents.sb3.off_policy import KeptReplay, OffPolicySettings
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.action_forms import ActionForm, AllSlates, count_slates

# More slates than these take too long to compare at every step.
_MAX_SLATES = 20_000


@dataclass(frozen=True, kw_only=True)
class SlateValueSettings(FallingExploration, OffPolicySettings):
    """What agents that estimate values of slates are given."""

    learning_rate: float = 5e-4
    gamma: float = 0.95


@dataclass(frozen=True, kw_only=True)
class QRDQNSettings(SlateValueSettings):
    """What QR-DQN is given."""

    n_quantiles: int = setting(16, low=1, doc="of the return")


class SlateValueAgent(SB3Agent):
    """Base class of agents that show the slates of highest value, and now and then random ones.

    A subclass makes the network; where its actions only stand for slates, it says for which.
    """

    Settings = SlateValueSettings
    settings: SlateValueSettings
    draws_slates: ClassVar[str | None] = None

    #: Shorter than the session: rewards much smaller than fresh weights' errors take long to see.
    scale_discount: ClassVar[float] = 0.9

    @abstractmethod
    def make_network(self, space: Any) -> Any:
        """Returns a torch module with `inputs`, `values` and `best`, as `SlateValues` has them."""

    def model_class(self) -> Any:
        """Returns the class of the model."""
        from recsim_env.agents.sb3.slate_dqn import SlateDQN

        return SlateDQN

    def make_model(self, env: Any) -> Any:
        """Returns the model with a `SlateValuePolicy` of the network."""
        from recsim_env.agents.networks.encoder import compute_by_hand
        from recsim_env.agents.sb3.slate_dqn import SlateValuePolicy

        model = self.model_class()(
            SlateValuePolicy,
            env,
            act=self.act,
            policy_kwargs={"network": self.make_network},
            device=self.device,
            **self.settings.of_model(env),
        )
        compute_by_hand(model.policy)
        return model

    # Acting --------------------------------------------------------------------------------------

    def random_actions(self, n: int) -> np.ndarray:
        """Returns actions that stand for `n` random slates; by default these slates."""
        drawn = self.rng.random((n, self.env.scenario.n_candidates))
        return drawn.argsort(axis=1)[:, : self.slate_size]

    def random_slates(self, n: int) -> SlateDistribution:
        """Returns the random slates, for `n` people."""
        return Ranked(np.zeros((n, self.env.scenario.n_candidates)), self.slate_size)

    def slates_of(self, actions: np.ndarray) -> np.ndarray:
        """Returns the slates that actions stand for, (n, slate_size); by default the actions."""
        return actions

    def explored_share(self) -> float:
        """Returns the share of random slates at this time of learning."""
        n_steps = self.num_timesteps
        has_begun = n_steps >= self.settings.learning_starts
        return self.settings.share_after(n_steps) if has_begun else 1.0

    def act(self, tensors: Any, *, deterministic: bool = False) -> np.ndarray:
        """Returns the best actions, some replaced by random ones unless `deterministic`."""
        actions = np.asarray(self.model.policy.q_net_target.best(tensors).cpu().numpy())
        if not deterministic:
            explores = self.rng.random(len(actions)) < self.explored_share()
            actions = np.where(explores[:, None], self.random_actions(len(actions)), actions)
        return actions

    def choose(self, tensors: Any, *, deterministic: bool) -> np.ndarray:
        """Shows the slates of highest value, some at random unless `deterministic`."""
        return self.slates_of(self.act(tensors, deterministic=deterministic))

    def _slate_distribution(
        self, observation: Observation, state: Any, *, deterministic: bool
    ) -> SlateDistribution:
        """Returns the best slates, and the random ones that are explored."""
        shown = self.recommend(observation, state, deterministic=True)
        n = len(shown)
        best = Listed(shown[:, None], n, self.env.scenario.n_candidates)
        share = 0.0 if deterministic else self.explored_share()
        return Mixture(share, self.random_slates(n), best) if share else best

    def kept_parts(self) -> dict[str, Any]:
        """Returns the replay buffer."""
        return {"replay": KeptReplay(self.model)}


class DQNAgent(SlateValueAgent):
    """Estimates what every slate is worth for the rest of the session, and shows the best.

    Idea: the value of a slate is its reward now and the value of the best slate next.
    Update: regress Q(o, slate) on r + gamma Q'(o', argmax Q(o', ·)), without the second term where
      the person left, by Adam on the Huber loss of batches from a replay buffer. Q is the expected
      value under a choice among the slate's items and none, from a network with the same weights
      for every candidate, which keeps what all slates have in common apart (`SlateValues`); o is
      what is seen and what happened so far in this session (`SessionMemory`). Q' follows Q by
      Q' <- (1 - tau) Q' + tau Q, and is what is served.
    Cost: a gradient step for every `update_every` interactions, O(batch_size n_candidates width²);
      a decision O(n_candidates (width² + log n_candidates)), however many slates there are.
    Source: Mnih et al. 2015, "Human-level control through deep reinforcement learning"; van Hasselt
      et al. 2016, "Deep reinforcement learning with double Q-learning"; the slate's value from its
      items' as in Ie et al. 2019, "SlateQ" (arXiv 1905.12767); on Stable-Baselines3's replay.
    Differs: items are not told which of them was chosen, as in SlateQ, but learned through their
      slate; the best slate is computed (`slate_serving.optimal`), not looked up; the averaged
      network acts.

    Defaults were chosen on LongTermSatisfaction, MusicStreaming and RatedCatalogue at 20,000
    interactions. With a learning_rate of 0.001, learning on makes it worse where rewards are noisy.
    Sessions often end by chance, so the targets are the noisier the larger gamma is.
    """

    def make_network(self, space: Any) -> Any:
        """Returns fresh `SlateValues`."""
        from recsim_env.agents.networks.slate_values import SlateValues

        return SlateValues(
            space,
            slate_size=self.slate_size,
            width=self.settings.width,
            network=self.settings.network,
        )


class QRDQNAgent(SlateValueAgent):
    """Estimates how the return of every slate is distributed, and shows the one of best mean.

    Idea: the whole distribution says more than its mean, and what is rare does not drown the rest.
    Update: as `DQNAgent`, with n quantiles theta_1, ..., theta_n of the return instead of Q, at
      levels (2 i - 1) / 2n: by the quantile regression Huber loss
      sum_i mean_j |level_i - [d_ij < 0]| huber(d_ij), d_ij = r + gamma theta'_j(o', s') - theta_i,
      s' the slate of best mean. Slates have quantiles as they have values: those of a slate of
      average candidates and what items add to each (`SlateValues`).
    Cost: as `DQNAgent`, and n_quantiles² comparisons for each kept step of a batch.
    Source: Dabney et al. 2018, "Distributional reinforcement learning with quantile regression"
      (arXiv 1710.10044); the loss is sb3-contrib's.
    Differs: as `DQNAgent`; a slate's quantiles are means over its choices, though the quantiles of
      a mixture are not quite that.
    """

    Settings = QRDQNSettings
    settings: QRDQNSettings

    def model_class(self) -> Any:
        """Returns the class of the model."""
        from recsim_env.agents.sb3.slate_dqn import SlateQRDQN

        return SlateQRDQN

    def make_network(self, space: Any) -> Any:
        """Returns fresh `SlateValues` of several quantiles."""
        from recsim_env.agents.networks.slate_values import SlateValues

        return SlateValues(
            space,
            slate_size=self.slate_size,
            width=self.settings.width,
            n_quantiles=self.settings.n_quantiles,
            network=self.settings.network,
        )


@dataclass(frozen=True, kw_only=True)
class FullSlateQSettings(SlateValueSettings):
    """What the full-slate Q-learner is given."""

    width: int = 128
    network: str = setting(
        "flat", is_new=True, choices=("flat",), doc="layers over the whole observation, no other"
    )


class FullSlateQAgent(SlateValueAgent):
    """Knows nothing of slates: each is a number with a value of its own; for comparison.

    Idea: what a slate is worth need not be made of what its items are worth. What is learned of one
      slate says little of another, though, and what is learned of a candidate in one place among
      the candidates nothing of it in another: compare `DQNAgent`, to see what knowing that gains.
    Update: as `DQNAgent`, but Q has one output for every set of slate_size candidates, and a
      network with two hidden layers over all that is seen, flattened (`FlatSlateValues`).
    Cost: a gradient step and a decision O(width (n_features n_candidates + n_slates)).
    Source: the full-slate Q-learner of Ie et al. 2019, "RecSim" (arXiv 1909.04847).
    Differs: as `DQNAgent`; slates are sets, shown in ascending order of index.
    """

    Settings = FullSlateQSettings
    form: AllSlates

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items have no observable features, or there are too many slates."""
        n_slates = count_slates(scenario, ordered=False)
        if n_slates > _MAX_SLATES:
            return (
                f"{cls.__name__} compares all slates, and n_candidates={scenario.n_candidates} "
                f"with slate_size={scenario.slate_size} make {n_slates:,}, more than "
                f"{_MAX_SLATES:,}; lower n_candidates or slate_size"
            )
        return super().unsuitable(scenario)

    def action_form(self, env: RecommendationVectorEnv) -> ActionForm:
        """Returns the table of slates, whose numbers are the actions."""
        return AllSlates(env.scenario, ordered=False, max_slates=_MAX_SLATES)

    def make_network(self, space: Any) -> Any:
        """Returns fresh `FlatSlateValues`."""
        from recsim_env.agents.sb3.slate_dqn import FlatSlateValues

        return FlatSlateValues(space, self.settings.width, len(self.form.table))

    def random_actions(self, n: int) -> np.ndarray:
        """Returns numbers of slates, (n, 1)."""
        return self.rng.integers(0, len(self.form.table), (n, 1))

    def slates_of(self, actions: np.ndarray) -> np.ndarray:
        """Returns slates, (n, slate_size), by their numbers, (n, 1)."""
        return np.asarray(self.form.table[actions[:, 0]])

    def random_slates(self, n: int) -> SlateDistribution:
        """Returns the slates of the table, which are ascending."""
        return Listed(np.asarray(self.form.table)[None], n, self.env.scenario.n_candidates)
