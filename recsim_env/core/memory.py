"""How much memory a scenario would take: asked before anything is allocated."""

from collections.abc import Mapping
from typing import Any

from recsim_env.core.fields import record_bytes
from recsim_env.core.schema import Schema
from recsim_env.core.settings import MOST_BYTES

# Settings that are large numbers, but no sizes.
_NO_SIZES = ("horizon", "n_users", "world_seed")


def check_memory(schema: Schema, settings: Mapping[str, Any], working_bytes: int) -> None:
    """Raises where the world or a person would take absurdly much memory.

    Args:
      schema: of the scenario.
      settings: of the scenario, for the message.
      working_bytes: what it takes to make the world, besides its items.

    Raises:
      ValueError: naming the largest settings.
    """
    world = schema.sizes["n_items"] * record_bytes(schema.item) + working_bytes
    _refuse_beyond(settings, "the world", world)
    _refuse_beyond(settings, "one person with an observation", _bytes_of_person(schema))


def _bytes_of_person(schema: Schema) -> int:
    """Returns about what a slot, its observation and the bounds of its space take."""
    n, n_places = schema.sizes["n_candidates"], schema.sizes["slate_size"]
    slot = record_bytes(schema.user) + 8 * (n + n_places)
    slot += n_places * record_bytes(schema.response)
    slot += 0 if schema.sizes["n_items"] else n * record_bytes(schema.item)
    observation = 4 * schema.n_floats
    observation += 8 * n if schema.sizes["n_items"] else 0
    return slot + 8 * observation


def _refuse_beyond(settings: Mapping[str, Any], what: str, n_bytes: int) -> None:
    if n_bytes <= MOST_BYTES:
        return
    sizes = {
        name: value
        for name, value in settings.items()
        if type(value) is not bool and isinstance(value, int) and name not in _NO_SIZES
    }
    largest = sorted(sizes, key=lambda name: -sizes[name])[:3]
    named = ", ".join(f"{name}={sizes[name]}" for name in largest)
    raise ValueError(
        f"{what} would take {n_bytes / 2**30:,.1f} GiB of memory with {named}; "
        f"at most {MOST_BYTES / 2**30:g} GiB are allowed: lower one of them"
    )
