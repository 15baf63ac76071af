"""How seeds were added until it was decided who is the best, where they were."""

from __future__ import annotations

from recsim_env.plots import style
from recsim_env.plots.report.page import Page, Section, markdown_table
from recsim_env.results.sequential import noted_decisions


def _until(page: Page) -> str:
    noted = noted_decisions(page.table)
    if noted is None:
        return ""
    rule, decisions = noted
    rows = [
        [
            style.short_name(each.scenario),
            each.possible[0] if each.is_decided else "–",
            str(each.n_seeds),
            ", ".join(each.possible),
            ", ".join(f"{agent} ({n})" for agent, n in each.left_out.items()) or "–",
        ]
        for each in decisions
    ]
    head = ["scenario", "decided for", "seeds", "may be the best", "left out (after seeds)"]
    return "\n\n".join(
        [
            "## Until decided",
            markdown_table(head, rows, ["---", "---", "---:", "---", "---"]),
            f"*Seeds were added {rule.group} at a time, to {len(rule.seeds)} at most, until one "
            "agent of the scenario is better than all others. Every look leaves out the agents "
            "than which another is significantly better (paired t, two-sided), at a level of "
            f"{100 * rule.level:g} % times the share of all seeds that it adds, over the number of "
            "an agent's comparisons at the start. So over all looks together the best is left out "
            f"with a probability of {50 * rule.level:g} % at most. Agents that were left out were "
            "played no further, and have fewer seeds. The intervals of this report are those of a "
            "fixed number of seeds; of a sequence that stops on a difference, they and the means "
            "favour it.*",
        ]
    )


SECTION = Section(_until)
