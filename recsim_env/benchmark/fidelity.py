"""How realistic a calibrated world is: the log of its simulated people beside the real one."""

import csv
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recsim_env.benchmark.simulated_log import simulate_log
from recsim_env.data import (
    CalibrationSettings,
    FidelityTable,
    InteractionLog,
    calibrate,
    fidelity_table,
)
from recsim_env.data.calibration.calibrate import without_repeats
from recsim_env.data.calibration.found_effects import HEAD, associations, found_effects
from recsim_env.data.calibration.observed_choice import with_observed_choice
from recsim_env.data.calibration.sampling import some_people
from recsim_env.formats.files import replace_file, replacing
from recsim_env.results.wording import markdown_table, number

#: What `write_fidelity` writes.
FIDELITY_FILES = ("fidelity.csv", "fidelity.png", "fidelity.md")

_ABOUT_DISTANCES = (
    "How far simulated people are from real ones in each distribution, beside how far two random "
    "halves of the real people are from each other: total variation of ratings, items, hours and "
    "repetitions, of equally many rows; Kolmogorov–Smirnov distance of the others. The world is "
    "like the log where the first is no larger than what the second seldom exceeds."
)

# Of larger logs, fidelity is measured on people with about so many rows.
_MOST_ROWS = 500_000


def measure_fidelity(log: InteractionLog, settings: CalibrationSettings) -> FidelityTable:
    """Returns how simulated people compare with real behaviour that their world was not fitted to.

    A random share of each person's rows (`held_out_share`) is left out, a world is fitted to the
    rest, and as many sessions as the rest has are simulated. Ratings and popularity are then
    compared with the rows left out, sessions with those of the rest. RMSE and AUC are of predictors
    fitted to either log but for each user's last rows, which they then predict. Of a log of more
    than 500,000 rows, all this is done with people drawn at random who have about as many.
    """
    settings = with_observed_choice(log, settings)  # of all clicks, held out or not
    if not settings.repetition:
        log = without_repeats(log)
    if len(log) > _MOST_ROWS:
        log = some_people(log, _MOST_ROWS, settings.seed).core()
    log = log.select(log.by_time(seed=settings.seed))  # however its rows were stored
    rest, left_out = log.hold_out_random(settings.held_out_share, seed=settings.seed)
    world = calibrate(rest, settings)
    gap = settings.session_gap_seconds
    n_sessions = int(rest.sessions(gap).max()) + 1
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "world.npz"
        world.save(path)
        simulated = simulate_log(path, n_sessions, seed=settings.seed, gap_seconds=gap)
    return fidelity_table(left_out, simulated, world, activity_log=rest, session_gap_seconds=gap)


def fidelity_arrays(table: FidelityTable) -> dict[str, np.ndarray]:
    """Returns the curves of a table as `recsim_env.plots.fidelity.draw_fidelity` takes them."""
    curves = table.curves
    quantile = np.linspace(0.0, 1.0, 101)
    arrays = {
        "rating_values": curves["ratings/level"],
        "popularity_rank": np.arange(1, len(curves["popularity/real"]) + 1),
        "activity_quantile": quantile,
    }
    for side in ("real", "simulated"):
        arrays[f"rating_share_{side}"] = curves[f"ratings/{side}"]
        arrays[f"popularity_share_{side}"] = np.diff(curves[f"popularity/{side}"], prepend=0.0)
        arrays[f"activity_{side}"] = np.quantile(curves[f"activity/{side}"], quantile)
    return arrays


def write_fidelity(
    table: FidelityTable, folder: str | Path, *, name: str, found: Mapping[str, Any] | None = None
) -> Path:
    """Writes `fidelity.csv`, a figure if Matplotlib is there, and `fidelity.md`; returns that.

    Args:
      table: what was measured.
      folder: where the files go.
      name: of the log.
      found: the report of the world, whose effects the page then tells of.
    """
    folder = Path(folder)
    with (
        replacing(folder / "fidelity.csv") as draft,
        draft.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, ["measure", "label", "real", "simulated"])
        writer.writeheader()
        writer.writerows(table.rows)
    lines = [f"# {name}: real and simulated people", ""]
    if _draw(table, folder / "fidelity.png"):
        lines += ["![Ratings, popularity and sessions, real and simulated](fidelity.png)", ""]
    lines += [_ABOUT_DISTANCES, "", markdown_table(distance_rows(table)), ""]
    lines += ["| measure | | real | simulated |", "| --- | --- | ---: | ---: |"]
    for row in table.rows:
        cells = [row["measure"], row["label"], _cell(row["real"]), _cell(row["simulated"])]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "Real: rows left out at random from the fit of the world that is measured here (sessions: "
        "the rows it was fitted to). Simulated: people who saw slates drawn by exposure, without "
        "any recommender. RMSE and AUC: predictors are fitted anew to each of the two logs and "
        "tried on the last rows of each user; true likings, which only simulated people have, "
        "show how far a prediction could get. Taste: standard deviation on consumed pairs, as "
        "predicted (real) and as drawn for the world's people (simulated), who must differ more.",
        "",
        f"Of a log of more than {_MOST_ROWS:,} rows, all is measured on people drawn at random who "
        "have about as many.",
        "",
        *_effects_of(found or {}),
    ]
    page = folder / "fidelity.md"
    replace_file(page, "\n".join(lines))
    return page


def _effects_of(report: Mapping[str, Any]) -> list[str]:
    """Returns the lines of a page on what its world was found to have beside tastes."""
    effects = found_effects(report)
    if not effects:
        return []
    return [
        "## Effects",
        "",
        "Looked for in the whole log, and judged on rows held out; 99 % intervals over people.",
        "",
        markdown_table([HEAD, *effects]),
        "",
        *(line for each in associations(report) for line in (f"{each[0].upper()}{each[1:]}.", "")),
    ]


def distance_rows(table: FidelityTable) -> list[list[str]]:
    """Returns distances of distributions as rows of text, the head first."""
    rows = [["distribution", "simulated–real", "half–half", "in 97.5 % below", "alike"]]
    for each in table.distances:
        simulated = "–" if each.simulated is None else number(each.simulated, 3)
        alike = "not modelled" if each.simulated is None else "yes" if each.is_like else "NO"
        halves = [number(each.halves, 3), number(each.halves_high, 3)]
        rows.append([each.measure, simulated, *halves, alike])
    return rows


def note_partial(folder: str | Path, *, name: str, why: str) -> None:
    """Writes a `fidelity.md` that says that the folder is partial: nothing tells of its world."""
    text = (
        f"# {name}: fidelity not measured\n\nThis folder is partial: its world is whole, but how"
        f" like the log it is was not measured ({why}).\n"
    )
    replace_file(Path(folder) / "fidelity.md", text)


def _draw(table: FidelityTable, file: Path) -> bool:
    """Draws the figure and returns True, or False where the plots extra is missing."""
    try:
        from recsim_env.plots.fidelity import draw_fidelity
        from recsim_env.plots.style import write_figure
    except ImportError:
        return False
    write_figure(draw_fidelity(fidelity_arrays(table))[0], file)
    return True


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
