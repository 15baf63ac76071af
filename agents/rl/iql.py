"""Implicit Q-learning: the best of what the log shows, far sight included."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recsim_env.agents.core.replay import NEXT
from recsim_env.agents.core.step_log import returns_to_go
from recsim_env.agents.rl.offline import OfflineAgent, OfflineSettings
from recsim_env.core.settings import setting

# No slate counts more than so many.
_MAX_WEIGHT = 100.0


@dataclass(frozen=True, kw_only=True)
class IQLSettings(OfflineSettings):
    """What `ImplicitQLearning` is given."""

    gamma: float = setting(0.99, low=0.0, high=1.0, doc="discount of a step")
    expectile: float = setting(0.7, above=0.0, below=1.0, doc="which of the slates V stands for")
    temperature: float = setting(3.0, low=0.0, doc="how much better slates are preferred")
    tau: float = setting(0.01, above=0.0, high=1.0, doc="share of Q that Q' follows by")


class ImplicitQLearning(OfflineAgent):
    """Clones those slates of a log after which sessions went better than after most others.

    Idea: value a moment by the better ones of the slates that were shown in such moments; never ask
      what a slate would be worth that was not shown.
    Update: V(o) by the expectile loss |expectile - 1[u < 0]| u² of u = Q'(o, slate) - V(o); Q by
      the squared error of r + gamma V(o'), without the second term where the person left; the
      policy by maximising min(exp(temperature u / sd(u)), 100) log pi(slate | o). Q' follows Q by
      Q' <- (1 - tau) Q' + tau Q. Q is of the person and the mean of the slate's items, so that
      their order does not matter; pi is the Plackett-Luce distribution of scores; all have the same
      weights for every candidate. o is what is seen and what happened so far in this session
      (`SessionMemory`).
    Cost: a gradient step for every `update_every` interactions, O(batch_size n_candidates width²);
      about 0.5 ms a interaction with 10 candidates on one core.
    Source: Kostrikov, Nair and Levine 2022, "Offline reinforcement learning with implicit
      Q-learning" (arXiv 2110.06169).
    Differs: one Q, not the lesser of two, as no maximum is taken over it; values in units of the
      deviation of the log's returns, advantages in units of their own.
    """

    Settings = IQLSettings
    settings: IQLSettings

    @property
    def tau(self) -> float:
        """How far Q' follows Q after each gradient step."""
        return self.settings.tau

    def make_network(self) -> Any:
        """Returns a policy, values of moments and of slates."""
        from recsim_env.agents.rl.iql_network import IQLNetwork

        return IQLNetwork(self.seen_space, self.settings.width)

    def prepare(self) -> None:
        """Measures the returns of the log, in whose units values are learned."""
        steps = {name: self.replay[name] for name in ("reward", "session_number", "step")}
        self.network.measure(returns_to_go(steps, gamma=self.settings.gamma))

    def loss(self, batch: Mapping[str, Any]) -> Any:
        """Returns the sum of three losses, each of weights of its own."""
        import torch

        from recsim_env.agents.networks.plackett_luce import PlackettLuce

        network, slates = self.network, batch["slate"].long()
        following = {name: batch[NEXT + name] for name in self.seen_space}
        with torch.no_grad():
            goes_on = 1.0 - batch["is_terminal"]
            goal = batch["reward"] + self.settings.gamma * goes_on * network.long_term_value(
                following
            )
            goal = (goal - network.centre) / network.unit
            target = network.averaged(batch, slates)
        error = network.slate_value(batch, slates) - goal
        advantage = target - network.values(batch)[:, 0]
        share = (self.settings.expectile - (advantage.detach() < 0).float()).abs()
        with torch.no_grad():
            size = advantage.std(unbiased=False).clamp(min=1e-6)
            weight = (self.settings.temperature * advantage / size).exp().clamp(max=_MAX_WEIGHT)
        policy = PlackettLuce(network.scores(batch), self.slate_size)
        cloned = (weight * policy.log_prob(slates)).mean()
        return (error**2).mean() + (share * advantage**2).mean() - cloned
