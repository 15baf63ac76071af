"""Behaviour cloning: show what the log shows."""

from collections.abc import Mapping
from typing import Any

from recsim_env.agents.rl.offline import OfflineAgent


class BehaviourCloning(OfflineAgent):
    """Shows the slates that were most likely shown in the log, whatever came of them.

    Idea: imitate whoever made the log; the yardstick of all that learns from logs.
    Update: maximise sum log pi(slate | o) over the log, with pi the Plackett-Luce distribution of a
      network's scores, which has the same weights for every candidate (`CandidateScores`); by Adam
      on batches; o is what is seen and what happened so far in this session (`SessionMemory`).
    Cost: a gradient step for every `update_every` interactions, O(batch_size n_candidates width²);
      about 0.1 ms a interaction with 10 candidates on one core.
    Source: Pomerleau 1989, "ALVINN: an autonomous land vehicle in a neural network"; slates as in
      Xia et al. 2008, "Listwise approach to learning to rank" (ListMLE).
    Differs: the most likely slates are served, so that slates that the logger showed at random do
      not come back.
    """

    def make_network(self) -> Any:
        """Returns scores of candidates; their critic is not learned."""
        from recsim_env.agents.networks.scores import CandidateScores

        network = CandidateScores(self.seen_space, self.settings.width)
        network.critic.requires_grad_(False)
        network.value.requires_grad_(False)
        return network

    def loss(self, batch: Mapping[str, Any]) -> Any:
        """Returns how unlikely the slates are, in the mean."""
        from recsim_env.agents.networks.plackett_luce import PlackettLuce

        policy = PlackettLuce(self.network.scores(batch), self.slate_size)
        return -policy.log_prob(batch["slate"].long()).mean()
