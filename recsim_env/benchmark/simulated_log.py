"""What simulated people of a fitted world consume when nobody recommends, as a log."""

from pathlib import Path

import numpy as np

from recsim_env.data import InteractionLog
from recsim_env.data.impressions import Impressions
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.formats.rated_world import RatedWorld
from recsim_env.progress import progress
from recsim_env.scenarios.places import has_places
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
from recsim_env.scenarios.repeated_items import has_repetition

_NUM_ENVS = 256

# A life has so many sessions at most: people with more live again, and remember nothing.
_MOST_SESSIONS = 1000

# The session of a slot in which nobody lives any more.
_NOBODY = -1


def simulate_log(
    path: str | Path, n_sessions: int, *, seed: int = 0, gap_seconds: float = 3600.0
) -> InteractionLog:
    """Returns what simulated people of a world consume when nobody recommends.

    Slates are drawn by exposure, with as many items as the world was fitted for. Everybody comes as
    often as in the log; in a world that says how consumed items appeal, a person's sessions are one
    life, in which they remember what they consumed; of more than 1,000 they have several lives.

    Args:
      path: the world's file.
      n_sessions: how many sessions.
      seed: of who comes when and what they choose.
      gap_seconds: sessions lie further apart than this.
    """
    world = RatedWorld.load(path)
    n_places = min(world.choice_slate_size, world.n_items)
    lives = _lives(world, n_sessions, np.random.default_rng(seed))
    env = RecommendationVectorEnv(
        RatedCatalogue,
        num_envs=min(_NUM_ENVS, len(lives)),
        autoreset_mode="Disabled",
        world=str(path),
        n_candidates=n_places,
        slate_size=n_places,
        n_sessions=int(lives[0, 1]),
    )
    rows = _consumed(env, lives, seed)
    return InteractionLog(
        user=rows["user"].astype(np.int32),
        item=rows["item"].astype(np.int32),
        rating=rows["rating"],
        time=rows["session"] * 10.0 * gap_seconds + rows["step"],
        is_explicit=world.rating_max > world.rating_min,
        user_labels=world.user_labels,
        item_labels=world.item_labels,
        item_titles=world.item_labels,
        item_features=world.item_features,
        item_feature_names=world.item_feature_names,
        user_features=world.user_features,
        user_feature_names=world.user_feature_names,
        name=f"{world.name}, simulated",
        impressions=_clicked(rows) if has_places(world) else None,
    )


def _clicked(rows: dict[str, np.ndarray]) -> Impressions:
    """Returns what was shown and clicked; what was not is left out, as nothing is asked of it."""
    n = len(rows["user"])
    return Impressions(
        user=rows["user"].astype(np.int32),
        item=rows["item"].astype(np.int32),
        row=np.arange(n),
        time=None,
        slate=None,
        place=rows["place"].astype(np.int64),
        context=np.zeros((n, 0), np.int32),
    )


def _lives(world: RatedWorld, n_sessions: int, rng: np.random.Generator) -> np.ndarray:
    """Returns (n_lives, 2), whose each is and of how many sessions, the longest first."""
    share = np.cumsum(world.user_visit_weight) / np.sum(world.user_visit_weight)
    until = np.append(0, np.rint(share * n_sessions)).astype(np.int64)
    count = until[1:] - until[:-1]
    user = np.arange(world.n_users)
    if has_repetition(world):
        n_lives = -(-count // _MOST_SESSIONS)
        whose, first = np.repeat(user, n_lives), np.cumsum(n_lives) - n_lives
        begun = (np.arange(len(whose)) - first[whose]) * _MOST_SESSIONS
        lives = np.stack([whose, np.minimum(count[whose] - begun, _MOST_SESSIONS)], axis=1)
    else:
        lives = np.stack([np.repeat(user, count), np.ones(count.sum(), np.int64)], axis=1)
    lives = rng.permutation(lives[lives[:, 1] > 0])
    return np.asarray(lives[np.argsort(-lives[:, 1], kind="stable")])


class _Slots:
    """Who lives in each environment of a batch, and in which session.

    Attributes:
      session: (num_envs,), numbered in the order in which they begin, or `_NOBODY`.
    """

    def __init__(self, n: int, lives: np.ndarray) -> None:
        self.session, self.n_left = np.full(n, _NOBODY), np.zeros(n, np.int64)
        self.waiting, self.n_begun = lives, 0

    def come(self, is_free: np.ndarray) -> list[int | None]:
        """Lets the next lives begin where there is room; returns whose, None for anybody's."""
        self.session[is_free], self.n_left[is_free] = _NOBODY, 0
        slots = np.flatnonzero(is_free)[: len(self.waiting)]
        come, self.waiting = self.waiting[: len(slots)], self.waiting[len(slots) :]
        self.n_left[slots] = come[:, 1]
        self._begin(slots)
        user: list[int | None] = [None] * len(is_free)
        for slot, user_id in zip(slots, come[:, 0], strict=True):
            user[slot] = int(user_id)
        return user

    def go_on(self, ends: np.ndarray) -> np.ndarray:
        """Lets the next sessions begin where one ends; returns where a life is over."""
        self.n_left -= ends
        is_over = np.asarray(ends & (self.n_left <= 0))
        self._begin(np.flatnonzero(ends & ~is_over))
        return is_over

    def _begin(self, slots: np.ndarray) -> None:
        self.session[slots] = self.n_begun + np.arange(len(slots))
        self.n_begun += len(slots)


def _consumed(env: RecommendationVectorEnv, lives: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Returns a row for every item consumed in some lives, in the order of time."""
    n, slots = env.num_envs, _Slots(env.num_envs, lives)
    slate = np.tile(np.arange(env.scenario.slate_size), (n, 1))
    found: dict[str, list[np.ndarray]] = {
        name: [] for name in ("user", "item", "place", "rating", "session", "step")
    }
    seen, _ = env.reset(seed=seed, options={"user_id": slots.come(np.ones(n, bool))})
    step, n_sessions = 0, int(lives[:, 1].sum())
    with progress(total=n_sessions, desc="simulating", unit="session", leave=False) as bar:
        while (slots.session != _NOBODY).any():
            is_last = env.slots["user"]["slates_left"] <= 1
            following, _, terminated, truncated, _ = env.step(slate)
            clicked = following["response"][:, :, 0] > 0
            slot, place = np.nonzero(clicked & (slots.session != _NOBODY)[:, None])
            found["user"].append(seen["user_id"][slot])
            found["item"].append(seen["item_id"][slot, place])
            found["place"].append(place)
            found["rating"].append(following["response"][slot, place, 2].astype(np.float64))
            found["session"].append(slots.session[slot])
            found["step"].append(np.full(len(slot), step))
            bar.update(int((is_last & (slots.session != _NOBODY)).sum()))
            is_over = slots.go_on(is_last) | terminated | truncated
            seen, step = following, step + 1
            if is_over.any():
                options = {"user_id": slots.come(is_over), "reset_mask": is_over}
                seen, _ = env.reset(options=options)
    return {name: np.concatenate(parts) for name, parts in found.items()}
