"""Action wrappers: let any algorithm choose slates, in one environment or a batch of them.

Slates are `MultiDiscrete`, which few algorithms take. Each function here returns its environment,
single or batch, with another action space; everything else stays as it is:

    enumerate_slates       Discrete: the number of a slate, of all that there are
    score_candidates       Box: a score for every candidate, the best are shown
    point_at_items         Box: a point in the space of item features, the nearest are shown
    weigh_features         Box: a weight for every item feature, the highest sums are shown

Which of them suits which algorithm, and what each then earns, is measured in docs/action-forms.md.
`add_action_mask`, put around what these return, tells with every observation which actions are
worth taking.

    >>> import gymnasium, recsim_env
    >>> from recsim_env.envs.wrappers import enumerate_slates
    >>> env = gymnasium.make("recsim_env/InterestEvolution-v0", n_candidates=5, slate_size=2)
    >>> enumerate_slates(env, ordered=False).action_space
    Discrete(10)
"""

import copy
from collections.abc import Callable
from typing import Any, TypeVar

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec, WrapperSpec
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from recsim_env.core.scenario import Scenario
from recsim_env.envs.action_forms import (
    ActionForm,
    AllSlates,
    BestScores,
    FeatureWeights,
    NearestItems,
)
from recsim_env.envs.arguments import as_array
from recsim_env.envs.masks import MaskWrapper, VectorMaskWrapper

AnyEnv = TypeVar("AnyEnv", gymnasium.Env, VectorEnv)


def enumerate_slates(env: AnyEnv, *, ordered: bool = True, max_slates: int = 100_000) -> AnyEnv:
    """Returns the environment with `Discrete` actions that number all slates without repeats.

    Action a is row a of `AllSlates.table`, in lexicographic order.

    Args:
      env: single or batch, wrapped or not.
      ordered: True counts the same items in another order as another slate; False lists each set of
        items once, by ascending index.
      max_slates: refuses more than these.

    Raises:
      ValueError: there are more than `max_slates`.
    """
    form = AllSlates(_scenario(env), ordered=ordered, max_slates=max_slates)
    return _wrap(env, form, enumerate_slates, ordered=form.is_ordered, max_slates=form.max_slates)


def score_candidates(env: AnyEnv, *, bound: float = 1.0) -> AnyEnv:
    """Returns the environment with `Box` actions: a score for every candidate, the best are shown.

    The best stands first; among equal scores, the lower index.

    Args:
      env: single or batch, wrapped or not.
      bound: scores lie in [-bound, bound]; only their order matters, beyond it too.
    """
    form = BestScores(_scenario(env), bound=bound)
    return _wrap(env, form, score_candidates, bound=form.bound)


def point_at_items(env: AnyEnv, *, bound: float = 10.0) -> AnyEnv:
    """Returns the environment with `Box` actions: a point among features; the nearest are shown.

    The nearest stands first, by Euclidean distance to the rows of the observation `candidates`;
    among equal distances, the lower index.

    Args:
      env: single or batch, wrapped or not, with dict observations.
      bound: limits the Box where features have no limits, or wider ones; a point beyond it is
        taken as it is.

    Raises:
      ValueError: the observation has no `candidates`.

    Source: Dulac-Arnold et al. 2015, "Deep reinforcement learning in large discrete action spaces"
      (arXiv 1512.07679), the proto-action and its nearest neighbours.
    Differs: the neighbours are the slate, instead of being chosen among by a critic.
    """
    form = NearestItems(_scenario(env), _observed(env), bound=bound)
    return _wrap(env, form, point_at_items, bound=form.bound)


def weigh_features(env: AnyEnv) -> AnyEnv:
    """Returns the environment with `Box` actions: weights of item features, in [-1, 1].

    The candidate of the largest weighted sum of features stands first; among equal sums, the lower
    index. Only the direction of the weights matters, so it ranks all candidates alike, also where
    more of a feature is always better; a point (`point_at_items`) ranks those around it.

    Args:
      env: single or batch, wrapped or not, with dict observations.

    Raises:
      ValueError: the observation has no `candidates`.

    Source: after Dulac-Arnold et al. 2015, as `point_at_items`.
    Differs: inner products, not distances.
    """
    return _wrap(env, FeatureWeights(_scenario(env), _observed(env)), weigh_features)


def add_action_mask(env: AnyEnv) -> AnyEnv:
    """Returns the environment with ``info["action_mask"]``, at every reset and step.

    1 says that an action is worth taking: that what it shows can be shown, and was not consumed
    already, say. It is what Gymnasium's spaces take to draw one:

        env.action_space.sample(mask=info["action_mask"])           # Discrete: (n,), int8
        env.action_space.sample(mask=tuple(info["action_mask"]))    # MultiDiscrete

    Of slates as they are it is (slate_size, n_candidates), the same for all places: it does not say
    that an item stands in another place already. A repeated item is shown once, and its second
    place stays empty; numbered slates (`enumerate_slates`) have no repeats, nor has anything that
    policies of `recsim_env.agents.frameworks` show.

    Batches have ``infos["action_mask"]``, (num_envs, ...), and ``infos["_action_mask"]``, as
    Gymnasium's do. Under SAME_STEP it is that of the new episode; ``infos["final_info"]`` has none,
    as nothing follows. Who looks ahead from where an episode was cut takes NEXT_STEP or DISABLED,
    where the last observation comes with its mask.

    Without this wrapper ``env.action_masks()`` says the same in one flat array, as sb3-contrib's
    MaskablePPO asks for it, of single environments, batches and action wrappers.

    Args:
      env: single or batch, in action wrappers or not; this one comes last.

    Raises:
      TypeError: its actions are points of a `Box`.
    """
    _scenario(env)
    inner: Any = env
    wrapped: Any = VectorMaskWrapper(inner) if isinstance(inner, VectorEnv) else MaskWrapper(inner)
    found: AnyEnv = wrapped
    return found


def _scenario(env: gymnasium.Env | VectorEnv) -> Scenario:
    is_env = isinstance(env, gymnasium.Env | VectorEnv)
    scenario = getattr(env.unwrapped, "scenario", None) if is_env else None
    if not isinstance(scenario, Scenario):
        raise TypeError(
            f"{env!r:.80} is not an environment of recsim_env, single or batch; make one with "
            "gymnasium.make or gymnasium.make_vec"
        )
    return scenario


def _observed(env: Any) -> gymnasium.Space:
    """Returns the space of what one person's recommender sees."""
    space: gymnasium.Space = getattr(env, "single_observation_space", env.observation_space)
    return space


def _is_masked(env: Any) -> bool:
    """Returns whether an environment, or one in it, tells a mask."""
    while isinstance(env, gymnasium.Wrapper | VectorWrapper):
        if isinstance(env, MaskWrapper | VectorMaskWrapper):
            return True
        env = env.env
    return False


def _wrap(env: Any, form: ActionForm, by: Callable[..., Any], **arguments: Any) -> Any:
    inner: Any = env.unwrapped
    is_batch = isinstance(env, VectorEnv)
    if _is_masked(env):  # it would go on telling the mask of slates
        raise ValueError(
            f"{by.__name__} comes before add_action_mask, whose mask would be of other actions; "
            f"use add_action_mask({by.__name__}(env)), of the environment without a mask"
        )
    taken, slates = (
        (each.single_action_space if is_batch else each.action_space) for each in (env, inner)
    )
    if taken != slates:  # its slates would be taken for those other actions, if they fit
        raise ValueError(
            f"{by.__name__} needs an environment that takes slates, {slates}, and {env} takes "
            f"{taken} already; wrap env.unwrapped"
        )
    if is_batch:
        return VectorSlateWrapper(env, form)
    wrapper = SlateWrapper(env, form)
    wrapper.made_by = (by, arguments)
    return wrapper


class SlateWrapper(gymnasium.Wrapper):
    """A single environment that takes actions of another form.

    Attributes:
      made_by: the function of this module that made it and its arguments, from which Gymnasium's
        spec makes it again; None where it was made otherwise, and cannot be.
    """

    made_by: tuple[Callable[..., Any], dict[str, Any]] | None = None

    def __init__(self, env: gymnasium.Env, form: ActionForm) -> None:
        super().__init__(env)
        self.form = form
        self.action_space = form.space
        self._observation: Any = None

    @property
    def spec(self) -> EnvSpec | None:  # type: ignore[override]  # as Wrapper's, read only
        """What Gymnasium makes it again from."""
        if self.made_by is None or self.env.spec is None:
            return super().spec
        by, arguments = self.made_by
        spec = copy.deepcopy(self.env.spec)
        made = WrapperSpec(type(self).__name__, f"{__name__}:{by.__name__}", dict(arguments))
        spec.additional_wrappers = (*spec.additional_wrappers, made)
        return spec

    def action_masks(self) -> np.ndarray:
        """Returns which actions mean slates without places that stay empty; see `ActionForm`."""
        can_be_shown: np.ndarray = self.get_wrapper_attr("can_be_shown")()
        return self.form.masks(can_be_shown[None])[0]

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins an episode, and remembers what the next action answers."""
        self._observation, info = self.env.reset(**kwargs)
        return self._observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Shows the slate that the action means."""
        seen = self._observation
        batch = {name: value[None] for name, value in seen.items()} if type(seen) is dict else None
        slate = self.form.slates(as_array(action)[None], batch)[0]
        result = self.env.step(slate[0] if len(slate) == 1 else slate)
        self._observation = result[0]
        return result


class VectorSlateWrapper(VectorWrapper):
    """A batch environment that takes actions of another form; autoreset stays as it is."""

    def __init__(self, env: VectorEnv, form: ActionForm) -> None:
        super().__init__(env)
        self.form = form
        self.single_action_space = form.space
        self.action_space = batch_space(form.space, env.num_envs)
        self._observation: Any = None

    @property
    def autoreset_mode(self) -> AutoresetMode:
        """How the next episode begins, as in the environment."""
        mode: AutoresetMode = self.metadata["autoreset_mode"]
        return mode

    def action_masks(self) -> np.ndarray:
        """Returns which actions mean slates without places that stay empty; see `ActionForm`."""
        people: Any = self.unwrapped
        return self.form.masks(people.can_be_shown())

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins episodes, and remembers what the next actions answer."""
        self._observation, infos = self.env.reset(**kwargs)
        return self._observation, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Shows the slates that the actions mean."""
        actions = as_array(actions)
        if actions.ndim == 0 or len(actions) != self.num_envs:
            raise ValueError(
                f"actions have shape {actions.shape}; use {self.action_space.shape}, one for each "
                "environment"
            )
        slates = self.form.slates(actions, self._observation)
        result = self.env.step(slates[:, 0] if slates.shape[1] == 1 else slates)
        self._observation = result[0]
        return result
