"""REINFORCE with off-policy and top-K correction."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from recsim_env.agents.core.arguments import as_steps
from recsim_env.agents.core.interaction import Interaction
from recsim_env.agents.core.replay import NEXT, Column
from recsim_env.agents.core.restoring import State, part
from recsim_env.agents.core.settings import discount
from recsim_env.agents.core.step_log import LoggedSteps, last_steps, returns_to_go
from recsim_env.agents.core.transition import Transition, shared_by_clicks
from recsim_env.agents.core.world import describe_world
from recsim_env.agents.rl.slate_policy import SlatePolicyAgent, SlatePolicySettings
from recsim_env.core.search import Search
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv


@dataclass(frozen=True, kw_only=True)
class ReinforceSettings(SlatePolicySettings):
    """What `Reinforce` is given; chosen on a problem of two topics at 20,000 interactions."""

    learning_rate: float = 2e-3
    learning_starts: int = 0
    buffer_size: int = 2_048
    refit_every: int = 512
    top_k_correction: bool = setting(
        False,
        doc="whether items are judged singly; without, slates are drawn whole and their "
        "propensities known, so that nothing is left to correct",
    )
    off_policy_correction: bool = setting(True, doc="whether w is other than 1")
    max_weight: float = setting(10.0, above=0.0, doc="no w is larger")
    gamma: float = discount(0.99)
    baseline: str = setting(
        "value",
        choices=("value", "mean", "none"),
        doc="a learned V(o), the mean of returns, or none; without values, what is to come of "
        "sessions that still go on counts nothing",
    )
    entropy: float = setting(
        0.01, search=Search(0.001, 0.1, log=True), low=0.0, doc="weight of the entropy of places"
    )


class Reinforce(SlatePolicyAgent):
    """Draws slates by scores, and shows those more often after which more was earned.

    Idea: the gradient of the return by the log-probability of what was shown, corrected for that
      another policy, an earlier one or a log's, showed it.
    Update: ascend w (G - b) grad log pi(slate | o), with pi the Plackett-Luce distribution of a
      network's scores, G the session's discounted return from there on, b a baseline, and w =
      min(pi / beta, max_weight), beta the slate's stored propensity. With `top_k_correction` the
      items are judged singly, as if a slate were K draws from the softmax pi: ascend
      sum_i w_i lambda_i (R_i - b) grad log pi(i | o), with w_i = min(pi(i) / beta(i), max_weight),
      lambda_i = K (1 - pi(i))^(K - 1), and R_i = K G shared by the clicked items. beta(i) is the
      chance of one draw; for logs of others whose slates hold several items it is estimated by a
      softmax of its own. Every network has the same weights for every candidate
      (`CandidateScores`); o is what is seen and what happened so far in this session
      (`SessionMemory`).
    Cost: a gradient step for every `update_every` interactions, O(batch_size n_candidates width²);
      about 0.3 ms an interaction with 10 candidates on one core.
    Source: Chen et al. 2019, "Top-K off-policy correction for a REINFORCE recommender system"
      (arXiv 1812.02353); Williams 1992, "Simple statistical gradient-following algorithms for
      connectionist reinforcement learning".
    Differs: propensities are stored, not estimated, wherever they are known; a learned baseline and
      an entropy bonus; where a session still goes on, the value counts for what is to come.
    """

    Settings = ReinforceSettings
    settings: ReinforceSettings

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.interaction = Interaction(self)

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Gathers a log by its own slates, and fits; see `Agent.learn`."""
        total = as_steps(total_timesteps)
        if self.interaction.enter():
            self.recorder.begin(self.env.num_envs)
        self.world = describe_world(self.env.scenario)
        for transition in self.interaction.run(total, callback, progress_bar):
            self.num_timesteps += len(transition.index)
            self.keep(self.rows(transition))
        return self

    def make_network(self) -> Any:
        """Returns scores of candidates, and values of moments."""
        from recsim_env.agents.networks.scores import ScaledScores

        return ScaledScores(self.seen_space, self.settings.width, self.settings.network)

    # What is kept --------------------------------------------------------------------------------

    def replay_columns(self) -> dict[str, Column]:
        """Returns the columns of a log, the chance of each item in one draw, and the return."""
        return super().replay_columns() | {
            "item_chance": (np.float32, (self.slate_size,)),
            "return_to_go": (np.float32, ()),
        }

    def rows(self, transition: Transition) -> dict[str, np.ndarray]:
        """Returns steps as rows of the replay; returns are not known yet."""
        observation, slates, state = transition.observation, transition.slates, transition.state
        propensity = self._slate_chance(observation, slates, state, deterministic=False)
        rows = self.recorder.rows(replace(transition, propensity=propensity))
        return rows | self._more_columns(rows, self._item_chances(self.network, rows))

    def rows_of_log(self, log: LoggedSteps) -> dict[str, np.ndarray]:
        """Returns a log as rows of the replay, with estimates of what it does not tell."""
        rows = super().rows_of_log(log)
        unlikely = int((rows["propensity"] <= 0).sum())
        if unlikely and self.settings.off_policy_correction:
            raise ValueError(
                f"the log's propensity is 0 for {unlikely:,} of {len(log):,} slates, which were "
                "shown nevertheless: they are estimates of too few draws; log with more, or with "
                "an agent whose propensities are exact, or set off_policy_correction=False"
            )
        if self.slate_size == 1:
            chances = rows["propensity"][:, None]
        elif self.settings.top_k_correction:
            chances = self._item_chances(self._cloned_items(rows), rows)
        else:
            chances = np.ones(rows["slate"].shape)
        return rows | self._more_columns(rows, chances)

    @staticmethod
    def _more_columns(
        rows: Mapping[str, np.ndarray], item_chances: np.ndarray
    ) -> dict[str, np.ndarray]:
        return {"item_chance": item_chances, "return_to_go": np.zeros(len(rows["reward"]))}

    def _item_chances(self, network: Any, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        """Returns how likely a network's softmax draws each item of the slates, (n, slate_size)."""
        seen = {name: rows[name] for name in self.seen_space}
        scores = self.trainer.compute(network.scores, seen).astype(np.float64)
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        return np.take_along_axis(chances, rows["slate"], axis=1)

    def _cloned_items(self, rows: Mapping[str, np.ndarray]) -> Any:
        """Returns a network whose softmax makes the items of the slates as likely as can be."""
        import torch

        from recsim_env.agents.networks.compute import computing

        n, batch_size = len(rows["reward"]), self.settings.batch_size
        with computing(int(self.rng.integers(2**31))):
            network = self.make_network().to(self.trainer.device)
            optimizer = torch.optim.Adam(network.parameters(), lr=self.settings.learning_rate)
            for _ in range(max(200, n // self.settings.update_every)):
                chosen = self.rng.integers(0, n, batch_size)
                batch = self.trainer.on_device(
                    {k: rows[k][chosen] for k in (*self.seen_space, "slate")}
                )
                log_probs = network.scores(batch).log_softmax(dim=1)
                optimizer.zero_grad()
                (-log_probs.gather(1, batch["slate"].long()).mean()).backward()
                optimizer.step()
        return network.eval()

    # Learning ------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Computes the returns of all that is kept; what is to come of sessions by their value."""
        steps = {name: self.replay[name] for name in ("reward", "session_number", "step")}
        rest = np.zeros(len(self.replay))
        last = last_steps(steps)
        going_on = last[~self.replay["is_over"][last]]
        if self.settings.baseline == "value":
            following = {name: self.replay[NEXT + name][going_on] for name in self.seen_space}
            rest[going_on] = self.trainer.compute(self.network.long_term_value, following)
        returns = returns_to_go(steps, gamma=self.settings.gamma, rest=rest)
        self.replay.set("return_to_go", np.arange(len(returns)), returns)
        self.network.measure(returns)

    def loss(self, batch: Mapping[str, Any]) -> Any:
        """Returns minus the corrected objective, and the error of the baseline."""
        import torch

        from recsim_env.agents.networks.plackett_luce import PlackettLuce

        network, slates = self.network, batch["slate"].long()
        scores, returns = network.scores(batch), batch["return_to_go"][:, None]
        log_prob, entropy = PlackettLuce(scores, self.slate_size).log_prob_and_entropy(slates)
        log_prob, behaviour, factor = log_prob[:, None], batch["propensity"][:, None], 1.0
        if self.settings.top_k_correction:
            log_prob = scores.log_softmax(dim=1).gather(1, slates)
            behaviour, returns = batch["item_chance"], returns * self._credit(batch)
            k = self.slate_size
            factor = k * (1.0 - log_prob.detach().exp()) ** (k - 1)
        baseline, error = self._baseline(batch)
        with torch.no_grad():
            weight = torch.ones_like(log_prob)
            if self.settings.off_policy_correction:
                ratio = log_prob.double().exp() / behaviour.double()
                weight = ratio.clamp(max=self.settings.max_weight).float()
            gain = weight * factor * (returns - baseline) / network.unit
        objective = (gain * log_prob).sum(dim=1) + self.settings.entropy * entropy
        return error - objective.mean()

    def _credit(self, batch: Mapping[str, Any]) -> Any:
        """Returns what part of the return each item earned, K for the only one clicked."""
        import torch

        if self.slate_size == 1:
            return 1.0
        clicked = batch["clicked"].cpu().numpy()
        shares = shared_by_clicks(np.ones(len(clicked)), clicked).astype(np.float32)
        return self.slate_size * torch.as_tensor(shares, device=self.trainer.device)

    def _baseline(self, batch: Mapping[str, Any]) -> tuple[Any, Any]:
        """Returns what is expected anyway, of the shape (n, 1) or (), and the error to learn by."""
        network = self.network
        if self.settings.baseline == "none":
            return 0.0, 0.0
        if self.settings.baseline == "mean":
            return network.centre, 0.0
        values = network.values(batch)[:, 0]
        error = ((batch["return_to_go"] - network.centre) / network.unit - values) ** 2
        return (network.centre + network.unit * values.detach())[:, None], error.mean()

    # Files ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learned, the steps that are kept, and the sessions under way."""
        state = super().state_dict()
        return state | {"learning": state["learning"] | {"sessions": self.interaction.state_dict()}}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""
        super().load_state_dict(state)
        self.interaction.load_state_dict(part(part(state, "learning"), "sessions"))
        self.check_recorder(self.interaction)
