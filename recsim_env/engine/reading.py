"""A reward in plain Python, watched: it returns a number, and changes nothing that it judges."""

from collections.abc import Callable
from typing import Any

import numpy as np

from recsim_env.core.reward import TAKES
from recsim_env.core.scenario import Scenario
from recsim_env.engine.faults import ScenarioFault


class Reading:
    """A reward that raises ScenarioFault where it returns nothing or changed what it judges.

    Args:
      scenario: that it is another reward of.
      reward: the function, as the loops call it.
    """

    def __init__(self, scenario: Scenario, reward: Callable[..., Any]) -> None:
        self._scenario, self._reward = scenario, reward

    def __call__(self, *given: Any) -> Any:
        """Returns what the reward does."""
        judged = dict(zip(TAKES, given, strict=True))
        records = {name: judged[name] for name in ("user", "slate", "response")}
        if judged["items"].flags.writeable:  # else NumPy guards them: a catalogue may be large
            records["items"] = judged["items"]
        before = _bytes(records)
        try:
            earned = self._reward(*given)
        except ValueError as error:
            if "read-only" in str(error):
                refuse_writing(self._scenario, "items")
            raise
        if earned is None:
            raise ScenarioFault(
                f"{type(self._scenario).__name__}: the reward "
                f"{self._scenario.reward_function.__name__}() returns nothing; return a number"
            )
        after = _bytes(records)
        for what, value in before.items():
            if value != after[what]:
                refuse_writing(self._scenario, what)
        return earned


def refuse_writing(scenario: Scenario, what: str) -> None:
    """Raises ScenarioFault, for the reward wrote to something."""
    raise ScenarioFault(
        f"{type(scenario).__name__}: the reward {scenario.reward_function.__name__}() writes to "
        f"{what!r}; it may only read, and respond() says how people change"
    )


def _bytes(records: dict[str, Any]) -> dict[str, bytes]:
    """Returns the bytes of each field, by record and field: compared so, NaN equals itself."""
    found = {}
    for name, value in records.items():
        if value.dtype.names is None:
            found[name] = value.tobytes()
        for field in value.dtype.names or ():
            found[f"{name}.{field}"] = np.asarray(value[field]).tobytes()
    return found
