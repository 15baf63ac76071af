"""Models of Stable-Baselines3 and sb3-contrib, trained outside, as agents."""

import sys
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from recsim_env.agents.core.acting import require_present
from recsim_env.agents.core.settings import AgentSettings
from recsim_env.agents.core.slate_distribution import Independent, SlateDistribution
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.foreign.frozen import Frozen
from recsim_env.agents.foreign.sb3_file import loaded_model
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.action_forms import (
    ActionForm,
    AllSlates,
    BestScores,
    FeatureWeights,
    NearestItems,
    count_slates,
)

_FORMS = ("auto", "slates", "ordered", "unordered", "scores", "points", "weights")


@dataclass(frozen=True, kw_only=True)
class SB3ModelSettings(AgentSettings):
    """Settings of `SB3Model`."""

    actions: str = setting(
        "auto",
        choices=_FORMS,
        doc="what the model's actions are: slates; numbers of slates, of enumerate_slates, ordered "
        "or unordered; scores, of score_candidates; points, of point_at_items; weights, of "
        "weigh_features; by default what alone fits",
    )


class SB3Model(Frozen):
    """Shows what a model of Stable-Baselines3 or sb3-contrib chooses.

    Idea: what was trained through `VecEnvAdapter`, or in a single environment, can be compared with
      everything else.
    Update: none. It sees the fields that it was trained with, ids left out or not, or the flat
      vector of all of them; its actions may be those of the wrappers in `recsim_env.envs.wrappers`.
    Cost: a pass through the model's network a batch.
    Source: Raffin et al. 2021, "Stable-Baselines3: reliable reinforcement learning
      implementations".
    Differs: a Q-network's exploration is left out. A maskable policy is told what can be shown.
      What `VecNormalize` did to what the model saw is not in its file, and is not done here: train
      without it.

    Args:
      env: where it serves.
      model: of Stable-Baselines3 or sb3-contrib.
      seed: of what a stochastic policy draws.
      **settings: of `SB3ModelSettings`.

    Raises:
      ValueError: the model sees or chooses something else than there is here, remembers (it is
        recurrent), or its actions could be of two forms.
    """

    Settings = SB3ModelSettings
    settings: SB3ModelSettings
    keep_by = "save the model itself, model.save('model.zip'), and name that file"

    #: The file of the model, and its algorithm if that is said, in a class made for one.
    source: ClassVar[tuple[Path, str] | None] = None

    def __init__(
        self,
        env: RecommendationVectorEnv,
        model: Any = None,
        *,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        source = type(self).source
        self.model: Any = loaded_model(*source) if model is None and source else model
        if hasattr(self.model.policy, "lstm_actor"):
            raise ValueError(
                "a recurrent model remembers, which is not kept here; evaluate it by "
                "stable_baselines3's evaluate_policy in a VecEnvAdapter, or use recurrent_ppo"
            )
        super().__init__(env, seed=seed, **settings)
        self._heeds_masks = "action_masks" in signature(self.model.policy.predict).parameters
        policy = self.model.policy
        self._tells_chances = self._form is None and hasattr(policy, "get_distribution")
        is_greedy = not hasattr(policy, "get_distribution") and not hasattr(policy, "actor")
        if self._tells_chances or is_greedy:
            self.draws_slates = None  # type: ignore[misc]  # a ClassVar: models differ

    def _enter(self, env: Any) -> None:
        """Acts in an environment from now on, if the model can."""
        super()._enter(env)
        self._fields = _fields(self.model.observation_space, self.env)
        self._form = _form(self.model.action_space, self.env, self.settings.actions)

    def recommend(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Shows what the model chooses."""
        from recsim_env.agents.networks.compute import computing

        with computing(int(self.rng.integers(2**63))):
            actions, _ = self.model.policy.predict(
                self._seen(observation), deterministic=deterministic, **self._masks(observation)
            )
        if self._form is not None:
            return self._form.slates(actions, observation)
        return actions.reshape(len(actions), self.slate_size)

    def _seen(self, observation: Observation) -> Any:
        """Returns what the model sees of observations."""
        if isinstance(self.model.observation_space, spaces.Dict):
            return {name: observation[name] for name in self._fields}
        n = len(next(iter(observation.values())))
        return np.hstack([observation[name].reshape(n, -1) for name in self._fields])

    def _masks(self, observation: Observation) -> dict[str, np.ndarray]:
        """Returns what a maskable model must know beside what it sees, of the people at hand."""
        if not self._heeds_masks or type(self.env.scenario).is_excluded is Scenario.is_excluded:
            return {}
        require_present(self.env, observation, type(self).__name__)
        if self._form is None:
            return {"action_masks": self.env.action_masks()}
        return {"action_masks": self._form.masks(self.env.can_be_shown())}

    def _slate_distribution(
        self, observation: Observation, state: Any, *, deterministic: bool
    ) -> SlateDistribution:
        """Returns the policy's own, where it tells, or one draw."""
        if deterministic or not self._tells_chances:
            return super()._slate_distribution(observation, state, deterministic=deterministic)
        import torch

        from recsim_env.agents.networks.compute import computing

        policy = self.model.policy
        with computing(), torch.no_grad():
            tensors, _ = policy.obs_to_tensor(self._seen(observation))
            found = policy.get_distribution(tensors, **self._masks(observation))
            places = getattr(found, "distributions", None) or found.distribution
            places = places if isinstance(places, list) else [places]
            return Independent(
                np.stack([place.probs.numpy().astype(np.float64) for place in places], axis=1)
            )


def model_class(name: str) -> type[SB3Model]:
    """Returns the class of the agents that show what the model in a file chooses.

    Args:
      name: ``model.zip``, or ``PPO@model.zip`` where the file does not tell of which algorithm it
        is.

    Raises:
      ValueError: there is no such file, or algorithm.
    """
    algorithm, _, path = name.rpartition("@")
    if Path(name).is_file():  # whose name has an @
        algorithm, path = "", name
    if not Path(path).is_file():
        raise ValueError(f"agent {name!r}: there is no file {path}")
    about = {"source": (Path(path), algorithm), "__doc__": SB3Model.__doc__}
    return type(SB3Model.__name__, (SB3Model,), about | {"__module__": __name__})


def is_model(thing: Any) -> bool:
    """Returns whether something is a model of Stable-Baselines3, of which nothing is imported."""
    library = sys.modules.get("stable_baselines3.common.base_class")
    return library is not None and isinstance(thing, library.BaseAlgorithm)


def _fields(space: spaces.Space, env: RecommendationVectorEnv) -> tuple[str, ...]:
    """Returns which fields of an observation a model sees, in its order.

    Raises:
      ValueError: it sees something else than there is here.
    """
    shown: Any = env.single_observation_space
    if isinstance(space, spaces.Dict):
        for name, part in space.spaces.items():
            if name not in shown.spaces or shown[name].shape != part.shape:
                here = f"{shown[name].shape} here" if name in shown.spaces else "none here"
                raise ValueError(
                    f"the model sees {name!r} of shape {part.shape}, and there is {here}; use the "
                    "scenario and settings that it was trained in"
                )
        return tuple(space.spaces)
    boxes = env.scenario.schema.boxes
    n_floats = sum(int(np.prod(box.shape)) for box in boxes.values())
    if space.shape != (n_floats,):
        raise ValueError(
            f"the model sees {space}, and the flat observation here has {n_floats} numbers; use "
            "the scenario and settings that it was trained in, and no wrapper of what is seen"
        )
    return tuple(boxes)


def _form(space: spaces.Space, env: RecommendationVectorEnv, wanted: str) -> ActionForm | None:
    """Returns how a model's actions become slates; None where they are slates.

    Raises:
      ValueError: no form has such actions, not the one that is wanted, or two have them.
    """
    fitting: dict[str, ActionForm | None] = {}
    scenario = env.scenario
    if space == env.single_action_space:
        fitting["slates"] = None
    elif isinstance(space, spaces.Discrete):
        for name, ordered in (("ordered", True), ("unordered", False)):
            if count_slates(scenario, ordered=ordered) == space.n:
                fitting[name] = AllSlates(scenario, ordered=ordered, max_slates=int(space.n))
    elif isinstance(space, spaces.Box):
        if space.shape == (scenario.n_candidates,):
            fitting["scores"] = BestScores(scenario, bound=float(np.max(space.high)))
        shown: Any = env.single_observation_space
        if "candidates" in shown.spaces and space.shape == shown["candidates"].shape[1:]:
            bound = float(np.max(np.abs([space.low, space.high])))
            forms = NearestItems(scenario, shown, bound=bound), FeatureWeights(scenario, shown)
            for name, form in zip(("points", "weights"), forms, strict=True):
                if form.space == space:
                    fitting[name] = form
    if wanted != "auto":
        fitting = {name: form for name, form in fitting.items() if name == wanted}
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if not fitting:
        what = "" if wanted == "auto" else f" as {wanted}"
        raise ValueError(
            f"the model's actions are {space}, which do not fit{what} where slates are "
            f"{env.single_action_space}; use the scenario and settings that it was trained in"
        )
    raise ValueError(
        f"the model's actions, {space}, could be {' or '.join(fitting)}; say which by actions= "
        f"(on the command line --agent-set actions={next(iter(fitting))})"
    )
