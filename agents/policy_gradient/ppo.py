"""Proximal policy optimisation over slates drawn by scores."""

from typing import Any, ClassVar, Self

import numpy as np

from recsim_env.agents.core import acting
from recsim_env.agents.core.agent import Agent
from recsim_env.agents.core.arguments import as_steps
from recsim_env.agents.core.interaction import Interaction, Moment
from recsim_env.agents.core.profiles import ProfileMemory
from recsim_env.agents.core.restoring import State, part, split
from recsim_env.agents.core.session import SessionMemory
from recsim_env.agents.core.slate_distribution import Listed, SlateDistribution
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.core.world import describe_world
from recsim_env.agents.networks.training import Trainer
from recsim_env.agents.policy_gradient.reward_scale import RewardScale
from recsim_env.agents.policy_gradient.settings import PPOSettings
from recsim_env.envs import RecommendationVectorEnv

# Rewards are divided by the deviation of returns with this discount.
_SCALE_DISCOUNT = 0.99

# Taken off the scores of what nobody would be shown.
_AWAY = 1e15


class PPO(Agent):
    """Draws slates by scores of the candidates, and follows the gradient of the return carefully.

    Idea: make likelier what turned out better than expected, by steps too small to break much.
    Update: maximise E min(rho A, clip(rho, 1 ± clip_range) A) - (V - R)² / 2, with rho the ratio
      of the slate's probability to that under the policy that drew it; pi draws slates by scores
      without repeats (`PlackettLuce`); A is the generalised advantage
      sum_t (gamma gae_lambda)^t (r_t + gamma V_t+1 - V_t), standardised. Scores and V are heads of
      one network with the same weights for every candidate (`SharedScores`), of what is seen and
      what happened so far in this session (`SessionMemory`, with `recency` slate by slate). With
      `redundancy`, what stands on the
      slate takes something off the scores of what may follow (`Redundancy`). With `profiles`, what
      the person responded to in all sessions is seen, too (`ProfileMemory`). With
      `response_weight`, a third head predicts how people respond to what they are shown.
    Cost: n_epochs gradient steps over each rollout, O(n_candidates width (n_features + width)) for
      each of its steps.
    Source: Schulman et al. 2017, "Proximal policy optimization algorithms" (arXiv 1707.06347).
    Differs: rewards are divided by the running deviation of returns, and cut off at ± 10; a wide
      clip_range, as a slate's probability is a product over its places; the minibatches of a
      rollout are the same in each pass, in another order. Its gradients are those of `sb3_ppo`, on
      Stable-Baselines3, whose scores and values have networks of their own.

    For long runs, num_envs=256: rollouts are then of 8,192 interactions, and each is gone over once
    in minibatches of 512. `recsim-env speed --learning` measures how fast that is. On the CPU the
    usual network is computed by hand (`FusedScores`), in as many threads as step the environment,
    without a difference to what comes of it; others, and on a GPU, by torch.
    """

    Settings = PPOSettings
    settings: PPOSettings
    requires = ("item features",)
    draws_slates: ClassVar[str | None] = None
    memory: SessionMemory

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        known = ProfileMemory if self.settings.profiles else SessionMemory
        self.memory = known(self.env.scenario, recency=self.settings.recency)
        self._require_candidates()
        self._n_responses = self._count_responses()
        self.trainer = Trainer(
            self._make_network,
            self.settings,
            self.rng,
            needed_by=type(self).__name__,
            eps=1e-5,
            fused=True,
        )
        self.network = self.trainer.network
        self._differentiation = self._differentiate()
        self.interaction = Interaction(self)
        self.scale = RewardScale(_SCALE_DISCOUNT)
        self._begin()

    def _make_network(self) -> Any:
        from recsim_env.agents.networks.shared_scores import make_actor_critic

        given = self.settings
        return make_actor_critic(
            self.memory.seen_space,
            given.width,
            given.network,
            redundancy=given.redundancy and self.slate_size > 1,
            n_responses=self._n_responses,
        )

    def _count_responses(self) -> int:
        """Returns how many columns of responses are predicted.

        Raises:
          ValueError: they are to be predicted, and are not shown.
        """
        scenario, weight = self.env.scenario, self.settings.response_weight
        if not weight:
            return 0
        response = scenario.schema.boxes.get("response")
        if response is None:
            raise ValueError(
                f"response_weight={weight} predicts responses, which {type(scenario).__name__} "
                "does not show; use response_weight=0"
            )
        return int(response.shape[1])

    def _require_candidates(self) -> None:
        """Raises ValueError where a network of the flat observation would ignore a setting."""
        given = self.settings
        if given.network != "flat":
            return
        for name, nothing in {"redundancy": False, "response_weight": 0}.items():
            value = getattr(given, name)
            if value:
                raise ValueError(
                    f'{name}={value} needs descriptions of candidates, which network="flat" does '
                    f'not make; use network="candidates" or {name}={nothing}'
                )

    def _differentiate(self) -> Any:
        from recsim_env.agents.policy_gradient.differentiation import differentiation_of

        n_threads = self.env.made_with["threads"]
        return differentiation_of(self.network, self.trainer.device, n_threads=n_threads)

    def set_env(self, env: RecommendationVectorEnv, *, another_world: bool = False) -> None:
        """Lets the agent act in another environment, in as many threads; see `Agent.set_env`."""
        super().set_env(env, another_world=another_world)
        self._differentiation = self._differentiate()

    def _begin(self) -> None:
        """Begins a rollout of the people who are there."""
        from recsim_env.agents.policy_gradient.rollout import Rollout

        n = self.env.num_envs
        self.rollout = Rollout(self.settings.steps_of(n), n, self.trainer.device)
        self.rollout.begin(self.rng)
        self.scale.begin(n)

    # Acting --------------------------------------------------------------------------------------

    def scores(self, observation: Observation, state: Any) -> np.ndarray:
        """Returns the network's scores of candidates for an empty slate, (n, n_candidates)."""
        return np.array(self._judged(observation, state).scores.cpu().numpy())

    def recommend(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Ranks by scores; with Gumbel noise, that draws a slate (see `PlackettLuce`)."""
        heads = self._servable(observation, state)
        return self._drawn(heads, None if deterministic else self.rng)[0]

    def _drawn(self, heads: Any, rng: np.random.Generator | None) -> tuple[np.ndarray, np.ndarray]:
        """Returns slates by scores, and the logarithms of how likely they are drawn."""
        from recsim_env.agents.networks.drawing import drawn
        from recsim_env.agents.policy_gradient.differentiation import scores_of

        return drawn(*scores_of(heads), self.slate_size, rng)

    def _servable(self, observation: Observation, state: Any) -> Any:
        """Returns `Heads` whose scores put what would leave its place empty last."""
        heads = self._judged(observation, state)
        wasted = acting.wasted(self.env, observation)
        if wasted is None:
            return heads
        away = heads.scores.new_tensor(np.where(wasted, _AWAY, 0.0))
        return heads._replace(scores=heads.scores - away)

    def _slate_distribution(
        self, observation: Observation, state: Any, *, deterministic: bool
    ) -> SlateDistribution:
        """Returns the best slates, or those that are drawn."""
        from recsim_env.agents.networks.plackett_luce import DrawnSlates
        from recsim_env.agents.policy_gradient.differentiation import scores_of

        heads = self._servable(observation, state)
        if deterministic:
            best, _ = self._drawn(heads, None)
            return Listed(best[:, None], len(best), heads.scores.shape[1])
        scores, less = scores_of(heads)
        less = None if less is None else less.astype(float)
        return DrawnSlates(scores.astype(float), self.slate_size, less)

    # Learning ------------------------------------------------------------------------------------

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Acts, and learns from each full rollout; see `Agent.learn`."""
        total = as_steps(total_timesteps)
        if self.interaction.enter():
            self._begin()
        self.world = describe_world(self.env.scenario)
        for moment in self.interaction.moments(total, callback, progress_bar, policy=self._act):
            self.num_timesteps += moment.n_steps
            self._earn(moment)
            self.memory.learn(moment.state, moment.observation, moment.was_over)
            if self.rollout.is_full:
                self._update()
        return self

    def _act(self, observation: Observation, state: Any) -> tuple[np.ndarray, None]:
        """Draws slates, and keeps of what, and how likely they were."""
        seen = self.memory.seen(state, observation)
        return self._differentiation.act(seen, self.rollout, self.slate_size, self.rng), None

    def _judged(self, observation: Observation, state: Any) -> Any:
        """Returns what the network says (`Heads`)."""
        return self._differentiation.judge(self.memory.seen(state, observation))

    def _earn(self, moment: Moment) -> None:
        """Keeps what slates led to."""
        following, rewards, terminated, truncated, _ = moment.taken
        if self._n_responses:
            self.rollout.keep({"response": following["response"]})
        is_over, is_step = terminated | truncated, ~moment.was_over
        rewards = np.where(is_step, rewards, 0.0)  # a wrapper may pay what only begins a session
        scaled = self.scale.scaled(rewards, is_over, is_step)
        self.rollout.earn(scaled, terminated, is_over, is_step)

    def _update(self) -> None:
        """Learns from a full rollout, and begins the next."""
        from recsim_env.agents.networks.compute import computing
        from recsim_env.agents.policy_gradient.update import take_steps

        assert self.interaction.observation is not None
        last = self._judged(self.interaction.observation, self.interaction.next_state)
        given = self.settings
        for group in self.trainer.optimizer.param_groups:
            group["lr"] = given.rate_after(self.num_timesteps)
        with computing():
            rows = self.rollout.batch(
                last.values.cpu().numpy(), gamma=given.gamma, gae_lambda=given.gae_lambda
            )
            losses = take_steps(
                self._differentiation,
                self.trainer.optimizer,
                rows,
                self.rng,
                **given.of_update(len(rows["advantage"])),
            )
        self.rollout.begin(self.rng)
        if self.monitor is not None:
            names = "policy_loss", "value_loss"
            self.monitor(dict(zip(names, losses, strict=True)), self.num_timesteps)

    # Files ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learned, the scale of rewards, the sessions, and the rollout."""
        learning = {
            "scale": self.scale.state_dict(),
            "sessions": self.interaction.state_dict(),
            "rollout": self.rollout.state_dict(),
        }
        known = {"profiles": self.memory.state_dict()} if self.settings.profiles else {}
        return super().state_dict() | self.trainer.state_dict() | {"learning": learning} | known

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned; the rollout where sessions go on."""
        filled = {"optimizer": {}, "learning": {}, "profiles": {}} | dict(state)
        own, rest = split(filled, "network", "optimizer", "learning", "profiles")
        super().load_state_dict(rest)
        self.trainer.load_state_dict(own)
        self.memory.load_state_dict(part(own, "profiles"))
        learning = part(own, "learning")
        if not learning:
            return
        self.scale.load_state_dict(part(learning, "scale"))
        self.interaction.load_state_dict(part(learning, "sessions"))
        if self.interaction.is_resuming:
            self.scale.go_on(part(learning, "scale"))
            self.rollout.load_state_dict(
                part(learning, "rollout"),
                self._columns(),
                n_candidates=self.env.scenario.n_candidates,
            )

    def _columns(self) -> dict[str, Any]:
        """Returns what a rollout keeps of one moment."""
        space: Any = self.memory.seen_space
        seen = {name: np.zeros((1, *each.shape), np.float32) for name, each in space.items()}
        inputs = self._differentiation.inputs(seen)
        slate, log_prob = np.zeros((1, self.slate_size), np.int64), np.zeros(1, np.float32)
        kept = {**inputs, "slate": slate, "log_prob": log_prob}
        if self._n_responses:
            kept["response"] = np.zeros((1, self.slate_size, self._n_responses), np.float32)
        return kept
