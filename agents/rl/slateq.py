"""Q-learning of items instead of slates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.replay import NEXT, Replay, affordable, row_bytes, step_columns
from recsim_env.agents.core.restoring import (
    State,
    part,
    require_range,
    rows_like,
    split,
    taken,
    whole,
)
from recsim_env.agents.core.session import SessionMemory
from recsim_env.agents.core.settings import FallingExploration, discount, refusal
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.agents.networks.training import Trainer, TrainingSettings
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv


@dataclass(frozen=True, kw_only=True)
class SlateQSettings(FallingExploration, TrainingSettings):
    """What `SlateQ` is given."""

    training: str = setting(
        "ql_optimal",
        choices=("myop", "sarsa", "ql_top_k", "ql_greedy", "ql_optimal"),
        doc="how targets choose the next slate, see `recsim_env.agents.networks.serving`; myop is "
        "as with gamma 0",
    )
    serving: str = setting(
        "optimal", choices=("top_k", "greedy", "optimal"), doc="how slates are chosen"
    )
    null_value: bool = setting(
        True, doc="whether choosing none has a value that is learned; otherwise it is 0"
    )
    values: str = setting(
        "network",
        choices=("table", "linear", "network"),
        doc="what Q is: a table has a number for every feature, Q of a topic where those are "
        "topics; linear adds one for none that is linear in what happened in this session",
    )
    choice: str = setting(
        "learned",
        choices=("learned", "proportional"),
        doc="how attractions are known; proportional: as user·features + 1 against 2, as the "
        "published agents knew it",
    )
    batch_size: int = 128
    gamma: float = discount(0.95, doc="discount of a step; the paper has 1")
    tau: float = setting(0.01, above=0.0, high=1.0, doc="share of Q that Q' follows by")


class SlateQ(OnlineAgent):
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
    """

    Settings = SlateQSettings
    settings: SlateQSettings
    requires = ("responses", "item features")
    has_schedule = True
    memory: SessionMemory

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.memory = SessionMemory(self.env.scenario)
        self.seen_space = self.memory.seen_space
        self._check_settings()
        self.trainer = Trainer(
            self.make_network,
            self.settings,
            self.rng,
            needed_by=type(self).__name__,
            fused=self.settings.values == "network",  # few numbers are learned no faster by it
        )
        self.network = self.trainer.network
        from recsim_env.agents.networks.encoder import compute_by_hand

        compute_by_hand(self.network)
        columns = step_columns(self.seen_space, self.slate_size)
        columns[NEXT + "slate"] = columns["slate"]
        capacity = affordable(
            self.settings.buffer_size, row_bytes(columns), least=self.env.num_envs
        )
        self.replay = Replay(capacity, columns)
        self._places = np.full(self.env.num_envs, -1)  # of each environment's last step
        self._n_due = 0

    def _check_settings(self) -> None:
        """Raises ValueError for a setting that this scenario does not allow."""
        given, n_people = self.settings, self.env.num_envs
        if given.buffer_size < n_people:
            raise refusal("buffer_size", given.buffer_size, f"num_envs={n_people} or more")
        has_encoder = given.values == "network" or given.choice == "learned"
        if given.network != "candidates" and not has_encoder:
            wanted = "candidates, as neither values nor choice here have a network"
            raise refusal("network", given.network, wanted)
        shapes = {name: space.shape or () for name, space in self.seen_space.items()}
        is_matching = shapes.get("user") == shapes["candidates"][1:]
        if given.choice == "proportional" and not is_matching:
            wanted = "learned, where `user` is not as long as an item's features"
            raise refusal("choice", given.choice, wanted)

    @property
    def discount(self) -> float:
        """Gamma, 0 for "myop"."""
        return 0.0 if self.settings.training == "myop" else self.settings.gamma

    def make_network(self) -> Any:
        """Returns `ItemValues` with the parts that the settings name."""
        from recsim_env.agents.rl import item_values

        given = self.seen_space, self.settings.width, self.settings.network
        return item_values.ItemValues(
            item_values.VALUES[self.settings.values](*given),
            item_values.ATTRACTIONS[self.settings.choice](*given),
        )

    # Serving -------------------------------------------------------------------------------------

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns slate_size for the first item of the best slate, down to 1, and 0 elsewhere."""
        slates = self.trainer.compute(self._served, self.memory.seen(state, observation))
        scores = np.zeros((len(slates), self.env.scenario.n_candidates))
        scores[np.arange(len(slates))[:, None], slates] = np.arange(self.slate_size, 0, -1)
        return scores

    def _served(self, seen: Any) -> Any:
        """Returns the slates to serve, (n, slate_size)."""
        attraction, gain, _ = self._judged(seen)
        return self._slates(self.settings.serving, attraction, gain)

    def _judged(self, seen: Any) -> Any:
        """Returns attractions, gains over no choice, and the value of no choice, by Q'."""
        seen = self.network.inputs(seen)
        values, none = self.network.averaged(seen)
        if not self.settings.null_value:
            none = none.new_zeros(none.shape)
        return self.network.attraction(seen), values - none[:, None], none

    def _slates(self, rule: str, attraction: Any, gain: Any) -> Any:
        """Returns the best slates by a rule."""
        from recsim_env.agents.networks.serving import RULES

        return RULES[rule](attraction, gain, self.network.attraction.none, self.slate_size)

    # Learning ------------------------------------------------------------------------------------

    def update(self, transition: Transition) -> None:
        """Keeps the steps, and takes the gradient steps that are due."""
        self._keep(transition)
        if self.num_timesteps + len(transition.index) < self.settings.learning_starts:
            return
        self._n_due += len(transition.index)
        n_gradient_steps, self._n_due = divmod(self._n_due, self.settings.update_every)
        if n_gradient_steps:
            self._train(n_gradient_steps)

    def _keep(self, transition: Transition) -> None:
        """Adds steps to the replay, and tells the steps before what was shown next."""
        places = self._places[transition.index]
        goes_on = ~transition.begins & (places >= 0)
        self.replay.set(NEXT + "slate", places[goes_on], transition.slates[goes_on])
        observation, following = transition.observation, transition.next_observation
        memory, slates = transition.state, transition.slates
        after = self.memory.stepped(memory, observation, slates, following)
        seen, seen_next = self.memory.seen(memory, observation), self.memory.seen(after, following)
        self._places[transition.index] = self.replay.add(
            **seen,
            **{NEXT + name: value for name, value in seen_next.items()},
            slate=slates,
            reward=transition.rewards,
            is_terminal=transition.is_terminal,
            **{NEXT + "slate": np.full_like(slates, -1)},  # not known yet
        )

    def begin(self) -> None:
        """Forgets where the last steps are kept; everybody's session begins anew."""
        self._places = np.full(self.env.num_envs, -1)

    def _train(self, n_gradient_steps: int) -> None:
        """Takes gradient steps; the first time, finds the unit of values."""
        if not self.network.unit:
            typical = float(np.sqrt(np.mean(self.replay["reward"] ** 2))) or 1.0
            share = max(1.0 - self.discount, 1.0 / self.network.values.horizon)
            self.network.unit.fill_(typical / share)
        loss = self.trainer.train(
            n_gradient_steps,
            lambda: self.replay.sample(self.settings.batch_size, self.rng),
            self.loss,
            self.rng,
            tau=self.settings.tau,
        )
        if self.monitor is not None:
            self.monitor({"loss": loss}, self.num_timesteps)

    def loss(self, batch: Mapping[str, Any]) -> Any:
        """Returns the squared error of the chosen items' values, and the choices' surprise."""
        import torch

        slates = batch["slate"].long()
        clicked = (batch[NEXT + "response"][:, :, 0] > 0).float()
        share = clicked / clicked.sum(dim=1, keepdim=True).clamp(min=1.0)
        is_none = 1.0 - share.sum(dim=1, keepdim=True)
        seen = self.network.inputs(batch)
        values, none = self.network.values(seen)
        target = self.targets(batch)[:, None]
        error = (share * (values.gather(1, slates) - target) ** 2).sum(dim=1)
        if self.settings.null_value:
            error = error + (is_none * (none[:, None] - target) ** 2)[:, 0]
        if self.settings.choice == "learned":
            logits = self.network.attraction.logits(seen).gather(1, slates)
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
            value = none + slate_gain(attraction, gain, self.network.attraction.none, slates)
        return rewards + self.discount * (1.0 - batch["is_terminal"]) * value

    def _next_slates(self, shown: Any, attraction: Any, gain: Any) -> Any:
        """Returns the slates that targets expect next; `shown` is -1 where it is not known."""
        training = self.settings.training
        if training != "sarsa":
            return self._slates(training.removeprefix("ql_"), attraction, gain)
        return shown.where(shown >= 0, self._slates(self.settings.serving, attraction, gain))

    # Files ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learned, the sessions under way, the replay, and where their last is."""
        state = super().state_dict()
        kept = {
            "replay": self.replay.state_dict(),
            "places": self._places,
            "n_due": self._n_due,
        }
        return state | self.trainer.state_dict() | {"learning": state["learning"] | kept}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""
        own, rest = split({"optimizer": {}} | dict(state), "network", "optimizer")
        super().load_state_dict(rest)
        self.trainer.load_state_dict(own)
        learning = part(state, "learning")
        if not learning:
            return
        kept, last = part(learning, "replay"), self.env.scenario.n_candidates - 1
        self.replay.load_state_dict(kept, ranges={"slate": (0, last), NEXT + "slate": (-1, last)})
        self._n_due = whole(learning, "n_due", high=self.num_timesteps)
        places = rows_like(learning, {"places": self._places})["places"]
        require_range("places", places, low=-1, high=len(taken(kept, "reward")) - 1)
        is_same = self.replay.n_added == whole(kept, "n_added")
        if is_same and len(places) == self.env.num_envs:
            self._places = places.copy()
