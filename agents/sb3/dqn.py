"""Deep Q-learning over slates whose values are made of their items'."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.sb3.slate_value_agent import SlateValueAgent
from recsim_env.envs.wrappers import count_slates


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

    Settings (defaults chosen on LongTermSatisfaction, MusicStreaming and RatedCatalogue at 20,000
      interactions): see `SlateValueAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**SlateValueAgent.defaults}

    def make_network(self, space: Any) -> Any:
        """Returns fresh `SlateValues`."""
        from recsim_env.agents.sb3.slate_values import SlateValues

        return SlateValues(space, slate_size=self.slate_size, width=self.settings["width"])

    def random_actions(self, n: int) -> np.ndarray:
        """Returns slates in random order, (n, slate_size)."""
        drawn = self.rng.random((n, self.env.scenario.n_candidates))
        return drawn.argsort(axis=1)[:, : self.slate_size]

    def random_chance(self, slates: np.ndarray) -> np.ndarray:
        """Returns the same for all slates."""
        return np.full(len(slates), 1.0 / count_slates(self.env.scenario, ordered=True))
