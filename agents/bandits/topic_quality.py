"""What each topic turned out to be worth, the same for everybody."""

from collections.abc import Mapping
from typing import Any, ClassVar

from recsim_env.agents.bandits.epsilon_greedy import EpsilonGreedy


class TopicQuality(EpsilonGreedy):
    """Shows the topics with the best mean outcome so far, in one line of arithmetic.

    Idea: what a session turns out to be worth is often not what is clicked; where the quality of
      what was shown becomes known afterwards, its mean by topic says what to show again.
    Update: score = the mean outcome of the items shown of the topic, as in `EpsilonGreedy`.
    Cost: O(n_topics) a batch, 16 bytes a topic.
    Source: folklore; a yardstick for agents that plan.
    Differs: none.

    Settings: those of `EpsilonGreedy`, with
      outcome: the column of `response` to be averaged, or "reward"; "auto" (default) is "quality"
        where the response has it, else "reward".
      arms: "auto" (default) is topics where items show any, else item ids.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**EpsilonGreedy.defaults, "outcome": "auto"}
    preferred: ClassVar[tuple[str, ...]] = ("topic", "item")

    @property
    def outcome(self) -> str:
        """Of what the tally is kept."""
        if self.settings["outcome"] != "auto":
            return super().outcome
        columns = self.env.scenario.column_names().get("response", ())
        return "quality" if "quality" in columns else "reward"
