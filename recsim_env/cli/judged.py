"""What a log says of policies, as `recsim-env ope` prints and writes it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recsim_env.cli.columns import print_columns

if TYPE_CHECKING:
    from recsim_env.ope import WeightDiagnostics
    from recsim_env.ope.clipping import ClippedEstimate
    from recsim_env.results.off_policy import PolicyValue
    from recsim_env.results.selection import Selection

#: Estimators that are a model's word alone.
_MODELS = ("dm", "fqe")

#: The table of estimates in the folder.
TABLE = "estimates.csv"


def print_policy(
    values: "Sequence[PolicyValue]", weights: "WeightDiagnostics", error: float
) -> None:
    """Prints all estimates of one policy.

    Args:
      values: of it.
      weights: of whole slates.
      error: of its probabilities, where these are drawn.
    """
    from recsim_env.benchmark.off_policy.diagnosing import described_weights
    from recsim_env.results.off_policy import PER_SESSION, PER_SLATE, policy_table
    from recsim_env.results.wording import with_interval

    drawn = f" (its probabilities are drawn, ± {error:.2g})" if error else ""
    print(f"\n{values[0].policy}{drawn}")
    print(" weights of slates: " + "\n   ".join(described_weights(weights)))
    for per in (PER_SLATE, PER_SESSION):
        shown = [each for each in values if each.per == per]
        if not shown:
            continue
        truth = shown[0].truth
        said = f"; truly {with_interval(truth)}" if truth else ""
        print(f" reward of a {per}{said}")
        print_columns(policy_table(shown), indent=3)
        alone = [each.estimator for each in shown if each.estimator in _MODELS]
        if alone:
            print(
                f"   The interval of {', '.join(alone)} takes the model as given: it is too narrow."
            )
        for sentence in dict.fromkeys(text for each in shown for text in each.warnings):
            print(f"   {sentence}")


def print_selection(values: "Sequence[PolicyValue]") -> "list[Selection]":
    """Prints which policy each estimator would deploy, and returns it."""
    from recsim_env.results.off_policy import PER_SESSION, PER_SLATE
    from recsim_env.results.selection import selection_table, selections, verdict

    found: list[Selection] = []
    print("\nwhich to deploy")
    for per in (PER_SLATE, PER_SESSION):
        of_kind = selections(values, per)
        if of_kind:
            print(f" by the reward of a {per}: {verdict(of_kind, per)}")
            print_columns(selection_table(of_kind), indent=3)
        found += of_kind
    return found


def write_judged(
    folder: Path,
    values: "Sequence[PolicyValue]",
    curves: "Mapping[str, Sequence[ClippedEstimate]]",
    chosen: "Sequence[Selection]",
) -> None:
    """Writes tables and figures, and prints their paths.

    Args:
      folder: where to.
      values: of all policies.
      curves: the clipping curve of each.
      chosen: by each estimator, where there was a choice.
    """
    from recsim_env.formats.columns import write_columns
    from recsim_env.results.off_policy import policy_columns
    from recsim_env.results.selection import selection_columns

    write_columns(folder / TABLE, policy_columns(values))
    print(f"\ntable: {folder / TABLE}")
    if chosen:
        write_columns(folder / "selection.csv", selection_columns(chosen))
        print(f"table: {folder / 'selection.csv'}")
    try:
        from recsim_env.plots import style
        from recsim_env.plots.off_policy import draw_clipping, draw_policy_values
    except ModuleNotFoundError as error:
        print(error)
        return
    for policy, per in dict.fromkeys((each.policy, each.per) for each in values):
        shown = [each for each in values if (each.policy, each.per) == (policy, per)]
        file = folder / f"{policy}-{per}.png"
        style.write_figure(draw_policy_values(shown), file)
        print(f"figure: {file}")
    for policy, curve in curves.items():
        if len(curve) < 2:
            continue  # all weights that are above 0 are alike
        file = folder / f"{policy}-clipping.png"
        style.write_figure(draw_clipping(policy, curve), file)
        print(f"figure: {file}")
