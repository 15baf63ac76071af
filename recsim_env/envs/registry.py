"""Environment ids: every scenario of ours, by string, so that nothing heavy is imported."""

import copy
import dataclasses
import enum
import os
import types
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import require_dataclass
from recsim_env.inputs.importing import importable_name
from recsim_env.inputs.spelling import check_known

NAMESPACE = "recsim_env"

_BOREDOM = "recsim_env.scenarios.boredom:Boredom"
_INTEREST_EVOLUTION = "recsim_env.scenarios.interest_evolution:InterestEvolution"
_INTEREST_EXPLORATION = "recsim_env.scenarios.interest_exploration:InterestExploration"
_LONG_TERM_SATISFACTION = "recsim_env.scenarios.long_term_satisfaction:LongTermSatisfaction"
_ORGANIC_SHOPPING = "recsim_env.scenarios.organic_shopping:OrganicShopping"

# SARDINE's people: they never come back, and their influence is a number instead of a vector.
_SARDINE: dict[str, Any] = {
    "n_users": 0,
    "topic_skew": 0.0,
    "scalar_influence": True,
    "influence": 0.0,
    "boredom_threshold": 11,
}
_SARDINE_CATALOGUE = _SARDINE | {
    "n_candidates": 1000,
    "show_items": False,
    "horizon": 100,
    "relevance_slope": 100.0,
}
_SARDINE_SINGLE = _SARDINE_CATALOGUE | {"slate_size": 1}
_SARDINE_SLATE = _SARDINE_CATALOGUE | {"slate_size": 10, "boredom_threshold": 5}
_SARDINE_RERANK = _SARDINE | {
    "n_items": 10,
    "n_candidates": 10,
    "slate_size": 10,
    "horizon": 10,
    "world_seed": 6,
    "relevance_offset": 0.3,
    "relevance_slope": 5.0,
    "examination": 0.7,
}
_BORED_AND_INFLUENCED = {"boredom_threshold": 5, "influence": 0.05}

#: Id (without the namespace) to the scenario, as ``"module:Class"``, and the settings it fixes.
ENVIRONMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "InterestEvolution-v0": (_INTEREST_EVOLUTION, {}),
    "InterestExploration-v0": (_INTEREST_EXPLORATION, {}),
    "LongTermSatisfaction-v0": (_LONG_TERM_SATISFACTION, {}),
    "RatedCatalogue-v0": ("recsim_env.scenarios.rated_catalogue:RatedCatalogue", {}),
    "MusicStreaming-v0": ("recsim_env.scenarios.music_streaming:MusicStreaming", {}),
    "NewsFeed-v0": ("recsim_env.scenarios.news_feed:NewsFeed", {}),
    "Boredom-v0": (_BOREDOM, {}),
    "OrganicShopping-v0": (_ORGANIC_SHOPPING, {}),
    "ShortVideo-v0": ("recsim_env.scenarios.short_video:ShortVideo", {}),
    "CreatorEconomy-v0": ("recsim_env.scenarios.creator_economy:CreatorEconomy", {}),
    "BernoulliBandit-v0": ("recsim_env.scenarios.bernoulli_bandit:BernoulliBandit", {}),
    "WheelBandit-v0": ("recsim_env.scenarios.wheel_bandit:WheelBandit", {}),
    "RecSim-InterestEvolution-v0": (
        _INTEREST_EVOLUTION,
        {
            "step_penalty": 0.5,
            "choice": "proportional",
            "interest_scale": 1.0,
            "no_click_score": 1.0,
            "time_rate": 1.4,
        },
    ),
    "RecSim-InterestExploration-v0": (
        _INTEREST_EXPLORATION,
        {"slate_size": 3, "matching_affinity": 0.7, "topic_0_quality": 0.8},
    ),
    "RecSim-LongTermSatisfaction-v0": (_LONG_TERM_SATISFACTION, {"sensitivity": 0.01}),
    "Sardine-SingleItem-Static-v0": (_BOREDOM, _SARDINE_SINGLE),
    "Sardine-SingleItem-BoredInf-v0": (_BOREDOM, _SARDINE_SINGLE | _BORED_AND_INFLUENCED),
    "Sardine-SingleItem-Uncertain-v0": (_BOREDOM, _SARDINE_SINGLE | {"relevance_slope": 10.0}),
    "Sardine-SlateTopK-Bored-v0": (_BOREDOM, _SARDINE_SLATE),
    "Sardine-SlateTopK-BoredInf-v0": (_BOREDOM, _SARDINE_SLATE | _BORED_AND_INFLUENCED),
    "Sardine-SlateTopK-Uncertain-v0": (
        _BOREDOM,
        _SARDINE_SLATE | _BORED_AND_INFLUENCED | {"relevance_slope": 10.0},
    ),
    "Sardine-SlateRerank-Static-v0": (_BOREDOM, _SARDINE_RERANK),
    "Sardine-SlateRerank-Bored-v0": (_BOREDOM, _SARDINE_RERANK | {"boredom_threshold": 4}),
    "RecoGym-v1": (
        _ORGANIC_SHOPPING,
        {
            "n_users": 0,
            "world_seed": 42,
            "flips": 0,
            "taste_sd": 1.0,
            "drift_sd": 0.1,
            "popularity_sd": 3.0,
            "click_threshold": 6.0,
        },
    ),
}


#: What an environment takes beside settings, and what a batch takes in addition.
ARGUMENTS = ("render_mode", "max_episode_steps", "flat", "compiled")
BATCH_ARGUMENTS = ("num_envs", "threads", "autoreset_mode")


def register(env_id: str, scenario: str | type[Scenario] | Scenario, **settings: Any) -> None:
    """Registers a scenario under an id, for `gymnasium.make` and `gymnasium.make_vec`.

    An id that is another environment's is taken from it, of which Gymnasium warns.

    Args:
      env_id: ``"namespace/Name-v0"``.
      scenario: a `Scenario` or a subclass, or ``"module:Class"`` to import it when first made.
      **settings: fixed for this id; whoever makes the environment may override them.

    Raises:
      TypeError: the scenario is none, or declares settings without being a dataclass.
      ValueError: a setting is unknown; of a scenario named ``"module:Class"``, it is only found
        when an environment is made.
    """
    if not isinstance(scenario, str):
        kind = scenario if isinstance(scenario, type) else type(scenario)
        if not issubclass(kind, Scenario):
            raise TypeError(no_scenario(scenario))
        require_dataclass(kind)
        known = [field.name for field in dataclasses.fields(kind)]
        check_known(kind.__name__, settings, [*known, *ARGUMENTS, *BATCH_ARGUMENTS])
    before = gymnasium.registry.get(env_id)
    if before is not None and _called(before.kwargs.get("scenario")) == _called(scenario):
        del gymnasium.registry[env_id]  # it is the same, edited perhaps
    gymnasium.register(
        id=env_id,
        entry_point="recsim_env.envs:RecommendationEnv",
        vector_entry_point="recsim_env.envs:RecommendationVectorEnv",
        kwargs={"scenario": scenario, **settings},
    )
    gymnasium.registry[env_id] = completed(gymnasium.registry[env_id])


class NamelessSpec(EnvSpec):
    """The spec of a scenario, or a reward, that is here, but that no other process can import."""

    def to_json(self) -> str:
        """Raises, saying why it cannot be written as JSON.

        Raises:
          TypeError: always.
        """
        name, code = next((name, each) for name, each in self.kwargs.items() if _is_code(each))
        raise TypeError(
            f"{self.id} cannot be written as JSON: its {name} {code.__qualname__} is defined "
            f"in {code.__module__}, where nobody else can import it; move the "
            f"{'class' if isinstance(code, type) else 'function'} to the top level of a module of "
            "its own"
        )


def completed(spec: EnvSpec, *, horizon: int = 0) -> EnvSpec:
    """Returns a complete spec, of values that JSON can hold.

    Gymnasium tells an environment neither the limit of its id nor one that was asked for, and
    wraps it after it was made. So ids are registered without one, since what a setting `horizon`
    asks for would be cut silently; and the environments that were made say theirs.

    Args:
      spec: as Gymnasium made it.
      horizon: steps after which the environment truncates episodes; 0 is never.
    """
    made = copy.copy(spec)
    made.kwargs = _named(spec.kwargs)
    if any(map(_is_code, made.kwargs.values())):
        made.__class__ = NamelessSpec
    if horizon and made.max_episode_steps is None:
        made.max_episode_steps = horizon
    return made


class WithCompleteSpec:
    """An environment whose spec is complete, so that Gymnasium makes it again from that."""

    _simulator: Any
    _spec: EnvSpec | None = None

    @property
    def spec(self) -> EnvSpec | None:
        """What Gymnasium makes it again from; with the horizon, and names instead of classes."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = None if spec is None else completed(spec, horizon=self._simulator.horizon)


def no_scenario(scenario: Any) -> str:
    """Returns why something is refused that should be a scenario."""
    return (
        f"scenario={scenario!r} is not a Scenario, a subclass of it, or its name, such as "
        "'MusicStreaming' or 'module:Class'"
    )


def _called(scenario: Any) -> str:
    """Returns what a scenario is called where it is defined, whichever object it is now."""
    if isinstance(scenario, str):
        return scenario
    kind = scenario if isinstance(scenario, type) else type(scenario)
    return f"{kind.__module__}:{kind.__qualname__}"


def _named(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Returns arguments of an environment with names and plain numbers for what has them."""
    scenario, rest = kwargs.get("scenario"), {**kwargs}
    if isinstance(scenario, Scenario):
        settings = scenario.settings | {"n_candidates": _asked_candidates(scenario)}
        rest = settings | rest | {"scenario": type(scenario)}
    return {name: _plain(value) for name, value in rest.items()}


def _asked_candidates(scenario: Scenario) -> int:
    """Returns the setting as it was given: 0 where all items of a catalogue are candidates."""
    return 0 if scenario.offers_all else scenario.n_candidates


def _is_code(value: Any) -> bool:
    """Returns whether a value is a scenario or a function, which only a name says elsewhere."""
    is_scenario = isinstance(value, type) and issubclass(value, Scenario)
    return is_scenario or isinstance(value, types.FunctionType)


def _plain(value: Any) -> Any:
    if _is_code(value):
        return importable_name(value) or value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, enum.Enum):
        return value.value
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def register_all() -> None:
    """Registers every id of `ENVIRONMENTS`, as importing `recsim_env` does.

    It is also the `gymnasium.envs` entry point, for versions of Gymnasium that load plugins.
    """
    for name, (scenario, settings) in ENVIRONMENTS.items():
        register(f"{NAMESPACE}/{name}", scenario, **settings)
