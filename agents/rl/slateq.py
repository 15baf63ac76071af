"""Q-learning of items instead of slates."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.replay import NEXT
from recsim_env.agents.core.restoring import require_range, rows_like, taken
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.agents.networks.agent import REPLAY, TorchAgent
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv

# What the settings of these names may be.
_ALLOWED = {
    "training": ("myop", "sarsa", "ql_top_k", "ql_greedy", "ql_optimal"),
    "serving": ("top_k", "greedy", "optimal"),
    "values": ("table", "linear", "network"),
    "choice": ("learned", "proportional"),
}


class SlateQ(TorchAgent):
    """Learns what a choice of each item leads to, and shows the slate that leads to most.

    Idea: what follows a slate depends on the item that is chosen from it. So it is enough to know
      what each choice leads to, and how items attract; slates need not be tried one by one.
    Update: with item i of the slate chosen, regress Q(o, i) on y = r + gamma V(o'), without the
      second term where the person left; with none chosen, Q(o, none) on the same.
      V(o') = Q'(o', none) + sum_i v_i (Q'(o', i) - Q'(o', none)) / (v_0 + sum_i v_i), over the
      items of the next slate: the one shown ("sarsa"), or the best by a rule ("ql_..."). Q' follows
      Q by Q' <- (1 - tau) Q' + tau Q, and is what is served. v_i is the attraction of an item and
      v_0 of none: learned by maximum likelihood of the choices under v_i / (v_0 + sum_j v_j).
      Where m > 1 places are clicked, one of them at random is the choice: each counts 1 / m, and
      Q(o, i) is what all of the slate leads to where i is that one.
    Cost: a gradient step for every `update_every` interactions, O(batch_size n_candidates width²)
      with a network; a decision O(n_candidates (width² + log n_candidates)).
    Source: Ie et al. 2019, "SlateQ: a tractable decomposition for reinforcement learning with
      recommendation sets" (arXiv 1905.12767).
    Differs: the published agents give no value to choosing none, though the session goes on after
      it; `null_value` learns it. Targets take the next observation, where the published code takes
      the current one. What is not known of the next slate ("sarsa", last step or cut off at the
      horizon) is what would be served. The average Q' is served, ties go to the first.

    Where what is left of a budget is linear in the session's sums, as in RecSim-InterestEvolution,
    values "linear" with gamma 1, learning_rate 0.003 and tau 0.02 learn fast and earn most.

    Settings:
      training: "myop" (as gamma 0), "sarsa", "ql_top_k", "ql_greedy", or "ql_optimal" (default),
        how targets choose the next slate; see `recsim_env.agents.networks.serving`.
      serving: "top_k", "greedy" or "optimal" (default).
      null_value: whether choosing none has a value that is learned (true), or 0.
      values: "table" is a number for every feature, Q of a topic where those are topics; "linear"
        adds one for none that is linear in what happened in this session; "network" (default).
      choice: how attractions are known: "learned" (default), or "proportional", user·features + 1
        against 2, as the published agents knew it.
      gamma (0.95), the paper has 1; tau (0.01), every gradient step; batch_size (128).
      exploration: share of random slates (0.05), to which it falls from 1 in the first
        exploration_steps interactions (10,000).
      Others: see `TorchAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **TorchAgent.defaults,
        "training": "ql_optimal",
        "serving": "optimal",
        "null_value": True,
        "values": "network",
        "choice": "learned",
        "batch_size": 128,
        "gamma": 0.95,
        "tau": 0.01,
        "exploration": 0.05,
        "exploration_steps": 10_000,
    }

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self._places = np.full(self.env.num_envs, -1)  # of each environment's last step
        self.exploration = self.exploration_after(0)

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items have no observable features, or clicks are not seen."""
        if "response" not in scenario.observation_fields():
            return (
                f"{cls.__name__} needs to see what is chosen from a slate, and "
                f"{type(scenario).__name__} with these settings does not show it"
            )
        return super().unsuitable(scenario)

    def check_settings(self) -> None:
        """Raises ValueError for a setting out of range."""
        super().check_settings()
        for name, allowed in _ALLOWED.items():
            self.require(name, self.settings[name] in allowed, f"one of {', '.join(allowed)}")
        n_people = self.env.num_envs
        self.require(
            "buffer_size", self.settings["buffer_size"] >= n_people, f"num_envs={n_people} or more"
        )
        self.require("gamma", 0 <= self.settings["gamma"] <= 1, "0 to 1")
        self.require("tau", 0 < self.settings["tau"] <= 1, "more than 0, up to 1")
        self.require("exploration", 0 <= self.settings["exploration"] <= 1, "0 to 1")
        self.require("exploration_steps", self.settings["exploration_steps"] >= 1, "1 or more")
        shapes = {name: space.shape or () for name, space in self.seen_space.items()}
        is_matching = shapes.get("user") == shapes["candidates"][1:]
        self.require(
            "choice",
            self.settings["choice"] != "proportional" or is_matching,
            "learned, where `user` is not as long as an item's features",
        )

    @property
    def discount(self) -> float:
        """Gamma, 0 for "myop"."""
        return 0.0 if self.settings["training"] == "myop" else float(self.settings["gamma"])

    def exploration_after(self, n_steps: int) -> float:
        """Returns the share of random slates after so many interactions."""
        done = min(1.0, n_steps / self.settings["exploration_steps"])
        return float(1.0 - (1.0 - self.settings["exploration"]) * done)

    def make_network(self) -> Any:
        """Returns `ItemValues` with the parts that the settings name."""
        from recsim_env.agents.rl import item_values

        space, width = self.seen_space, self.settings["width"]
        return item_values.ItemValues(
            item_values.VALUES[self.settings["values"]](space, width),
            item_values.ATTRACTIONS[self.settings["choice"]](space, width),
        )

    # Serving -------------------------------------------------------------------------------------

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns slate_size for the first item of the best slate, down to 1, and 0 elsewhere."""
        slates = self.computed(self._served, observation, state)
        scores = np.zeros((len(slates), self.env.scenario.n_candidates))
        scores[np.arange(len(slates))[:, None], slates] = np.arange(self.slate_size, 0, -1)
        return scores

    def _served(self, seen: Any) -> Any:
        """Returns the slates to serve, (n, slate_size)."""
        attraction, gain, _ = self._judged(seen)
        return self._slates(self.settings["serving"], attraction, gain)

    def _judged(self, seen: Any) -> Any:
        """Returns attractions, gains over no choice, and the value of no choice, by Q'."""
        values, none = self.network.averaged(seen)
        if not self.settings["null_value"]:
            none = none.new_zeros(none.shape)
        return self.network.attraction(seen), values - none[:, None], none

    def _slates(self, rule: str, attraction: Any, gain: Any) -> Any:
        """Returns the best slates by a rule."""
        from recsim_env.agents.networks.serving import RULES

        return RULES[rule](attraction, gain, self.network.attraction.none, self.slate_size)

    # Learning ------------------------------------------------------------------------------------

    def replay_columns(self) -> dict[str, tuple[Any, tuple[int, ...]]]:
        """Adds the next slate."""
        columns = super().replay_columns()
        return columns | {NEXT + "slate": columns["slate"]}

    def rows(self, feedback: Transition) -> dict[str, np.ndarray]:
        """Adds the next slate, which is not known yet."""
        return super().rows(feedback) | {NEXT + "slate": np.full_like(feedback.slates, -1)}

    def keep(self, feedback: Transition) -> np.ndarray:
        """Adds the steps, and tells the steps before what was shown next."""
        places = self._places[feedback.index]
        goes_on = ~self._episode_start[feedback.index] & (places >= 0)
        self.replay.set(NEXT + "slate", places[goes_on], feedback.slates[goes_on])
        self._places[feedback.index] = places = super().keep(feedback)
        return places

    def begin(self) -> None:
        """Forgets where the last steps are kept; everybody's session begins anew."""
        self._places = np.full(self.env.num_envs, -1)

    def train(self, n_gradient_steps: int) -> None:
        """Takes gradient steps; the first time, finds the unit of values."""
        if not self.network.unit:
            typical = float(np.sqrt(np.mean(self.replay["reward"] ** 2))) or 1.0
            share = max(1.0 - self.discount, 1.0 / self.network.values.horizon)
            self.network.unit.fill_(typical / share)
        super().train(n_gradient_steps)

    def loss(self, batch: Mapping[str, Any]) -> Any:
        """Returns the squared error of the chosen items' values, and the choices' surprise."""
        import torch

        slates = batch["slate"].long()
        clicked = (batch[NEXT + "response"][:, :, 0] > 0).float()
        share = clicked / clicked.sum(dim=1, keepdim=True).clamp(min=1.0)
        is_none = 1.0 - share.sum(dim=1, keepdim=True)
        values, none = self.network.values(batch)
        target = self.targets(batch)[:, None]
        error = (share * (values.gather(1, slates) - target) ** 2).sum(dim=1)
        if self.settings["null_value"]:
            error = error + (is_none * (none[:, None] - target) ** 2)[:, 0]
        if self.settings["choice"] == "learned":
            logits = self.network.attraction.logits(batch).gather(1, slates)
            chance = torch.cat([logits, torch.zeros_like(is_none)], dim=1).log_softmax(dim=1)
            error = error - (torch.cat([share, is_none], dim=1) * chance).sum(dim=1)
        return error.mean()

    def targets(self, batch: Mapping[str, Any]) -> Any:
        """Returns r + gamma V(o') in units, (n,)."""
        import torch

        from recsim_env.agents.networks.serving import slate_gain

        rewards = batch["reward"] / self.network.unit
        if self.discount == 0.0:
            return rewards
        with torch.no_grad():
            following = {name: batch[NEXT + name] for name in self.seen_space}
            attraction, gain, none = self._judged(following)
            slates = self._next_slates(batch[NEXT + "slate"].long(), attraction, gain)
            worth = none + slate_gain(attraction, gain, self.network.attraction.none, slates)
        return rewards + self.discount * (1.0 - batch["is_terminal"]) * worth

    def _next_slates(self, shown: Any, attraction: Any, gain: Any) -> Any:
        """Returns the slates that targets expect next; `shown` is -1 where it is not known."""
        training = self.settings["training"]
        if training != "sarsa":
            return self._slates(training.removeprefix("ql_"), attraction, gain)
        return shown.where(shown >= 0, self._slates(self.settings["serving"], attraction, gain))

    def after_step(self) -> None:
        """Lets the average follow."""
        self.network.follow(self.settings["tau"])

    # Files ---------------------------------------------------------------------------------------

    def progress(self) -> dict[str, np.ndarray]:
        """Returns the sessions that learning is amid, the replay, and where it keeps their last."""
        return super().progress() | {"places": self._places}

    def resume(self, progress: Mapping[str, np.ndarray]) -> None:
        """Takes back what `progress` returned."""
        super().resume(progress)
        places = rows_like(progress, {"places": self._places})["places"]
        require_range("places", places, low=-1, high=len(taken(progress, REPLAY + "slate")) - 1)
        is_same = self.replay.n_added == progress[REPLAY + "n_added"]
        if is_same and len(places) == self.env.num_envs:
            self._places = places.copy()

    def replay_ranges(self) -> dict[str, tuple[int, int]]:
        """Returns in which ranges the indices in columns of the replay lie, the ends included."""
        ranges = super().replay_ranges()
        return ranges | {NEXT + "slate": (-1, ranges["slate"][1])}
