"""`recsim-env calibrate`: from a log of real people to a world of simulated ones."""

import argparse
import dataclasses
import shlex
import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import add_overwrite, add_seed, add_settings, as_dict, path
from recsim_env.cli.columns import columns, print_columns
from recsim_env.cli.logs import add_log, read_log_of
from recsim_env.formats.files import check_absent, check_folder

if TYPE_CHECKING:
    from recsim_env.data import CalibrationSettings, InteractionLog
    from recsim_env.formats.rated_world import RatedWorld

WORLD = "world.npz"


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "calibrate",
        help="fit a world to a ratings log",
        description="Fits users and items to a log, and reports how real the world's people are.",
        examples=(
            "calibrate movielens-100k --out worlds/ml-100k",
            "calibrate ratings.csv --user user_id --item film --rating stars --set n_factors=8",
        ),
    )
    add_log(parser)
    add_settings(parser, of="the fit (n_factors, like_threshold, choice_rate …)")
    add_seed(parser, of="every random part of the fit")
    parser.add_argument("--out", type=path, metavar="FOLDER", help="folder (results/world-LOG)")
    add_overwrite(parser, help="replace a world that is there")
    parser.add_argument(
        "--no-fidelity",
        action="store_true",
        help="only fit the world; a folder without a measure of fidelity says so",
    )
    parser.set_defaults(run=calibrate_log)


def calibrate_log(options: argparse.Namespace) -> int:
    """Writes world file, fidelity table, figure and page into a folder."""
    from recsim_env.benchmark.fidelity import FIDELITY_FILES, note_partial
    from recsim_env.data import CalibrationWarning, calibrate

    settings = _settings_of(options)
    if options.out:
        _check_absent(options.out, options)
    log = read_log_of(options)
    folder = options.out or Path("results") / f"world-{log.name}"
    _check_absent(folder, options)
    print(f"{log.name}: {len(log):,} rows of {log.n_users:,} users and {log.n_items:,} items")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CalibrationWarning)  # the report tells, and is printed
        world = calibrate(log, settings)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WORLD
    for name in FIDELITY_FILES:
        (folder / name).unlink(missing_ok=True)  # it would be of another world
    note_partial(folder, name=log.name, why="it was not asked for, or the command was interrupted")
    world.save(path)
    held_out = world.report["held_out"]
    print(
        f"held out to measure with: {held_out['n_rows']:,} rows ({held_out['how']}), "
        f"{held_out['n_by_chance']:,} of them drawn by chance as times do not say what came last"
    )
    _print_choices(world)
    _print_tastes(world.report)
    _print_effects(world.report)
    print(f"world: {path}")
    if not options.no_fidelity:
        _print_fidelity(log, settings, folder, world.report)
    command = ["recsim-env", "benchmark", "RatedCatalogue", "--set", f"world={path}"]
    print(f"next: {shlex.join([*command, '--out', str(folder / 'benchmark')])}")
    return 0


def _print_fidelity(
    log: "InteractionLog", settings: "CalibrationSettings", folder: Path, found: dict[str, Any]
) -> None:
    """Measures how like its log a world is, keeps it, and prints it."""
    from recsim_env.benchmark.fidelity import distance_rows, measure_fidelity, write_fidelity
    from recsim_env.data import CalibrationWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CalibrationWarning)  # as for the world of the whole log
        table = measure_fidelity(log, settings)
    page = write_fidelity(table, folder, name=log.name, found=found)
    print_columns(distance_rows(table), indent=2)
    print(f"  {'':44}  {'real':>8}  {'simulated':>8}")
    for row in table.rows:
        numbers = "  ".join(f"{_number(row[side]):>8}" for side in ("real", "simulated"))
        print(f"  {row['measure'] + ', ' + row['label']:44}  {numbers}")
    print(f"\nfidelity, real beside simulated: {page}")


def _print_choices(world: "RatedWorld") -> None:
    """Prints how often people choose, and how far what they chose last follows their tastes."""
    how = "observed" if world.report["has_impressions"] else "assumed: the log tells no slates"
    print(
        f"choices: {world.choice_rate:.3g} of slates of {world.choice_slate_size} get one ({how})"
    )
    found = world.report["choice"]
    if world.choice_slope > 0.0:
        print(
            f"taste in choices: a liking greater by 1 is {world.choice_slope:.3g} in log-odds "
            f"(standard error {found['standard_error']:.2g}, {found['n_choices']:,} held-out rows)"
        )
        return
    print(
        "taste in choices: none; what people consumed last does not follow predicted tastes:"
        "\n  people of the world choose among what is shown whatever they like, and no recommender"
        "\n  earns more clicks than another; a longer log, or one that tells what was shown and not"
        "\n  clicked, may tell more"
    )


def _print_tastes(report: dict[str, Any]) -> None:
    """Prints how far people differ in taste, whether the sampler had converged, and any warning."""
    tastes = report["tastes"]
    if "r_hat" in tastes:
        print(
            "taste, predicted / drawn (standard deviation on consumed pairs): "
            f"{tastes['consumed_sd_of_predictions']:.3g} / {tastes['consumed_sd']:.3g}"
        )
        agreement = ", ".join(f"{name} {value:.3f}" for name, value in tastes["r_hat"].items())
        if sample := tastes["sample"]:
            print(
                f"chains began with {sample['n_sweeps']:,} sweeps of {sample['n_rows']:,} rows; "
                "then, on all rows,"
            )
        print(f"{tastes['n_chains']} chains, {tastes['n_sweeps']:,} sweeps, R-hat: {agreement}")
    for warning in report["warnings"]:
        print(f"warning: {warning}")


def _print_effects(report: dict[str, Any]) -> None:
    """Prints what contexts, repetition and so on were found to do, and what goes with liking."""
    from recsim_env.data.calibration.found_effects import HEAD, associations, found_effects

    effects = found_effects(report)
    if effects:
        print("effects, on rows held out (99 % intervals over people):")
        lines = columns([HEAD[:3], *(each[:3] for each in effects)], indent=2)
        print(lines[0])
        for line, each in zip(lines[1:], effects, strict=True):
            print(line)
            print(_wrapped(each.says, indent=6))
    for sentence in associations(report):
        print(_wrapped(sentence))


def _wrapped(text: str, indent: int = 0) -> str:
    """Returns lines that a terminal of 100 columns shows whole, all but the first further in."""
    first, rest = " " * indent, " " * (indent + 2)
    return textwrap.fill(text, 100, initial_indent=first, subsequent_indent=rest)


def _settings_of(options: argparse.Namespace) -> "CalibrationSettings":
    """Returns how to fit a world.

    Raises:
      ValueError: an unknown setting, or one outside its range.
    """
    from recsim_env.core.settings import check_names
    from recsim_env.data import CalibrationSettings

    defaults = dataclasses.asdict(CalibrationSettings())
    changes = as_dict(options.settings, defaults)
    if "seed" in changes:
        raise ValueError(f"--set seed={changes['seed']}: give it as --seed {changes['seed']}")
    changes["seed"] = options.seed
    check_names(CalibrationSettings, changes)
    return CalibrationSettings(**changes)


def _check_absent(folder: Path, options: argparse.Namespace) -> None:
    """Raises where a world, or what tells of one, is in a folder and may not be replaced."""
    from recsim_env.benchmark.fidelity import FIDELITY_FILES

    check_folder(folder)
    remedy = "choose another --out, or replace it with --overwrite"
    for name in (WORLD, *FIDELITY_FILES):
        check_absent(folder / name, overwrite=options.overwrite, remedy=remedy)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
