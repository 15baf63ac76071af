"""Where people of a fitted world look: what the place of an item on the slate does to its score."""

import numpy as np

from recsim_env.formats.rated_world import RatedWorld


def has_places(world: RatedWorld) -> bool:
    """Returns whether the world knows how likely places are looked at."""
    return len(world.place_appeal) > 0


def place_numbers(world: RatedWorld) -> dict[str, object]:
    """Returns the numbers of the config that are about places."""
    return {"place_appeal": world.place_appeal} if has_places(world) else {}


def examination_of_places(world: RatedWorld, clicked: np.ndarray) -> np.ndarray:
    """Returns how likely each place was looked at, (n, slate_size): a clicked one surely was."""
    place = np.minimum(np.arange(clicked.shape[1]), len(world.place_appeal) - 1)
    look = np.exp(world.place_appeal[place].astype(np.float64))
    return np.where(clicked, 1.0, look)


def appeal_of_place(config, place):
    """Returns what standing at a place adds to the score of an item."""
    return config.place_appeal[min(place, len(config.place_appeal) - 1)]
