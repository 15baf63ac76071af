"""Agents that never act while they learn from a log: they clone it, or the better part of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from recsim_env.agents import make_agent
from recsim_env.agents.core.online import OnlineAgent, collect
from recsim_env.agents.core.replay import NEXT
from recsim_env.agents.core.restoring import State, part, split, whole
from recsim_env.agents.core.settings import discount, refusal
from recsim_env.agents.core.step_log import returns_to_go
from recsim_env.agents.rl.slate_policy import SlatePolicyAgent, SlatePolicySettings
from recsim_env.core.search import Search
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv

# For implicit Q-learning, no slate counts more than so many.
_MAX_WEIGHT = 100.0


@dataclass(frozen=True, kw_only=True)
class OfflineSettings(SlatePolicySettings):
    """What agents that learn from another's log are given."""

    learning_starts: int = 0
    logger: str = setting(
        "linucb", doc="name of an agent that learns stepwise and tells propensities exactly"
    )
    exploration: float = setting(
        0.5, search=Search(0.1, 1.0), low=0.0, high=1.0, doc="share of uniform slates in the log"
    )


class OfflineAgent(SlatePolicyAgent):
    """Base class of agents that learn from a log that another policy made.

    Logging policy of `learn`: the agent named `logger`, which learns meanwhile as it would alone,
    except that a share `exploration` of the slates is uniform. Propensities are exact. What is fit
    on the log is what `predict` serves: the best slates where `deterministic`, else drawn ones.
    """

    Settings = OfflineSettings
    settings: OfflineSettings

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        # One generator is saved for both.
        logger = make_agent(self.settings.logger, self.stage, seed=seed, rng=self.rng)
        is_online = isinstance(logger, OnlineAgent) and not logger.has_schedule
        if not is_online or logger.draws_slates is not None:
            raise refusal(
                "logger",
                self.settings.logger,
                "an agent that learns stepwise, has exact propensities and no schedule of "
                "exploration, such as 'linucb'",
            )
        assert isinstance(logger, OnlineAgent)
        self.logger = logger

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Lets the logger gather as many interactions, and fits; see `Agent.learn`."""
        self.logger.set_env(self.stage, another_world=True)
        if self.logger.enter():
            self.recorder.begin(self.env.num_envs)
        for transition in collect(
            self.logger,
            total_timesteps,
            exploration=self.settings.exploration,
            learner=self,
            callback=callback,
            progress_bar=progress_bar,
        ):
            self.num_timesteps += len(transition.index)
            self.keep(self.recorder.rows(transition))
        self.world = self.logger.world
        self.fit()
        return self

    # Files ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learned, by the logger too, and the log."""
        logger = {"logger": self.logger.state_dict(), "n_logged": self.logger.num_timesteps}
        return super().state_dict() | logger

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""
        own, rest = split({"logger": {}} | dict(state), "logger", "n_logged")
        super().load_state_dict(rest)
        self.logger.num_timesteps = whole(own, "n_logged", high=self.num_timesteps)
        self.logger.load_state_dict(part(own, "logger"))
        self.check_recorder(self.logger.interaction)


class BehaviourCloning(OfflineAgent):
    """Shows the slates that were most likely shown in the log, whatever came of them.

    Idea: imitate whoever made the log; the yardstick of all that learns from logs.
    Update: maximise sum log pi(slate | o) over the log, with pi the Plackett-Luce distribution of a
      network's scores, which has the same weights for every candidate (`CandidateScores`); by Adam
      on batches; o is what is seen and what happened so far in this session (`SessionMemory`).
    Cost: a gradient step for every `update_every` interactions, O(batch_size n_candidates width²);
      about 0.1 ms an interaction with 10 candidates on one core.
    Source: Pomerleau 1989, "ALVINN: an autonomous land vehicle in a neural network"; slates as in
      Xia et al. 2008, "Listwise approach to learning to rank" (ListMLE).
    Differs: the most likely slates are served, so that slates that the logger showed at random do
      not come back.
    """

    def make_network(self) -> Any:
        """Returns scores of candidates; their critic is not learned."""
        from recsim_env.agents.networks.encoder import CandidateScores

        network = CandidateScores(self.seen_space, self.settings.width, self.settings.network)
        network.critic.requires_grad_(False)
        network.value.requires_grad_(False)
        return network

    def loss(self, batch: Mapping[str, Any]) -> Any:
        """Returns how unlikely the slates are, in the mean."""
        from recsim_env.agents.networks.plackett_luce import PlackettLuce

        policy = PlackettLuce(self.network.scores(batch), self.slate_size)
        return -policy.log_prob(batch["slate"].long()).mean()


@dataclass(frozen=True, kw_only=True)
class IQLSettings(OfflineSettings):
    """What `ImplicitQLearning` is given."""

    gamma: float = discount(0.99)
    expectile: float = setting(
        0.7, search=Search(0.5, 0.95), above=0.0, below=1.0, doc="which of the slates V stands for"
    )
    temperature: float = setting(
        3.0, search=Search(0.3, 30.0, log=True), low=0.0, doc="how much better slates are preferred"
    )
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
      about 0.5 ms an interaction with 10 candidates on one core.
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
        from recsim_env.agents.networks.scores import IQLNetwork

        return IQLNetwork(self.seen_space, self.settings.width, self.settings.network)

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
