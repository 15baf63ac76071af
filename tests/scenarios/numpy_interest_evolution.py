"""Interest evolution in NumPy batches, which the compiled kernel is checked and timed against.

Written from the published dynamics, independent of the kernel and its random streams: one generator
draws for the whole batch. It shares only the settings with
`recsim_env.scenarios.interest_evolution`, whose docstring describes the model.
"""

import numpy as np

from recsim_env.scenarios.interest_evolution import InterestEvolution


class NumpyInterestEvolution:
    """A batch of people with the dynamics and the observation of `InterestEvolution`.

    An episode that ends is followed at once by the next one (Gymnasium's SAME_STEP).

    Args:
      settings: of the scenario; `choice` is "multinomial_logit" or "proportional".
      num_envs: how many people.
      seed: of the generator.

    Attributes:
      interests: (num_envs, n_topics).
      budget: (num_envs,), time left.
      topics, qualities: (num_envs, n_candidates), of the candidates.
    """

    def __init__(self, settings: InterestEvolution, num_envs: int, seed: int = 0) -> None:
        if settings.choice not in ("multinomial_logit", "proportional"):
            raise ValueError(
                f"choice={settings.choice!r} is not written in NumPy; use 'multinomial_logit' or "
                "'proportional'"
            )
        self.settings = settings
        self.rng = np.random.default_rng(seed)
        self.rows = np.arange(num_envs)
        self.topic_quality = settings.derived()["topic_quality"]
        self.interests = self.rng.uniform(-1.0, 1.0, (num_envs, settings.n_topics))
        self.budget = np.full(num_envs, settings.time_budget)
        self.topics, self.qualities = self._candidates()

    def observe(self, response: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Returns the observation fields of the scenario, float32."""
        n, settings = len(self.rows), self.settings
        candidates = np.zeros((n, settings.n_candidates, settings.n_topics), np.float32)
        candidates[self.rows[:, None], np.arange(settings.n_candidates), self.topics] = 1.0
        if response is None:
            response = np.zeros((n, settings.slate_size, 4), np.float32)
        return {
            "user": self.interests.astype(np.float32),
            "candidates": candidates,
            "response": response,
        }

    def step(self, slates: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """Shows everybody a slate.

        Args:
          slates: (num_envs, slate_size) indices of candidates, without repeats.

        Returns:
          The observation, rewards (num_envs,), and whether each episode ended, (num_envs,).
        """
        settings = self.settings
        topics = self.topics[self.rows[:, None], slates]
        qualities = self.qualities[self.rows[:, None], slates]
        place = self._choose(self.interests[self.rows[:, None], topics])
        clicked = np.flatnonzero(place < settings.slate_size)
        where = clicked, place[clicked]
        response = np.zeros((len(self.rows), settings.slate_size, 4), np.float32)
        response[..., 2], response[..., 3] = qualities, topics
        watched = np.minimum(self.budget[clicked], settings.video_length)
        response[(*where, 0)], response[(*where, 1)] = 1.0, watched
        rewards = np.zeros(len(self.rows))
        rewards[clicked] = watched
        cost = np.full(len(self.rows), settings.step_penalty)
        cost[clicked] = watched * (1.0 - settings.quality_bonus * qualities[where])
        self.budget -= cost
        self._shift_interests(clicked, topics[where])
        is_over = self.budget <= 0.0
        self._begin(np.flatnonzero(is_over), response)
        self.topics, self.qualities = self._candidates()
        return self.observe(response), rewards, is_over

    def _candidates(self) -> tuple[np.ndarray, np.ndarray]:
        """Draws everybody's candidates."""
        shape = len(self.rows), self.settings.n_candidates
        topics = self.rng.integers(0, self.settings.n_topics, shape)
        noise = self.rng.standard_normal(shape)
        return topics, self.topic_quality[topics] + self.settings.quality_sd * noise

    def _choose(self, interests: np.ndarray) -> np.ndarray:
        """Returns the chosen place, (num_envs,); `slate_size` is none."""
        settings = self.settings
        scores = settings.interest_scale * interests
        if settings.choice == "proportional":
            weights = np.maximum(scores - settings.min_normalizer, 0.0)
            none = max(settings.no_click_score - settings.min_normalizer, 0.0)
        else:
            weights, none = np.exp(scores - settings.no_click_score), 1.0
        reach = np.cumsum(weights, axis=1)
        luck = self.rng.random(len(weights)) * (reach[:, -1] + none)
        return np.asarray((reach <= luck[:, None]).sum(axis=1))

    def _shift_interests(self, clicked: np.ndarray, topics: np.ndarray) -> None:
        """Moves interests in watched topics, up with a probability that grows with them."""
        interest = self.interests[clicked, topics]
        change = self.settings.drift * (1.0 - np.abs(interest)) * (1.0 - interest)
        is_up = self.rng.random(len(clicked)) < (interest + 1.0) / 2.0
        moved = interest + np.where(is_up, change, -change)
        self.interests[clicked, topics] = np.clip(moved, -1.0, 1.0)

    def _begin(self, over: np.ndarray, response: np.ndarray) -> None:
        """Lets strangers take the places of those who left."""
        self.interests[over] = self.rng.uniform(-1.0, 1.0, (len(over), self.settings.n_topics))
        self.budget[over] = self.settings.time_budget
        response[over] = 0.0
