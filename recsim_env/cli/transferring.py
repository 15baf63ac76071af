"""`recsim-env transfer`: whether people fitted to one policy's log act alike under another."""

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import (
    SCENARIO,
    add_count,
    add_overwrite,
    add_seed,
    add_settings,
    as_dict,
    path,
)
from recsim_env.cli.columns import print_columns
from recsim_env.formats.files import check_absent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recsim_env.benchmark.transfer.clicks import ClickTransfer

OPEN_BANDIT = "open-bandit"

_REMEDY = "choose another --out, or replace it with --overwrite"


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "transfer",
        help="test fitted people under another recommender",
        description="Fits a model of clicks to the log of one policy and predicts clicks under "
        "another, by item, place and context, both ways, beside importance weighting and what the "
        "other policy's own log says. Of simulated people (--scenario), worlds are fitted to the "
        "log of one policy, and what they say of others is compared with the truth.",
        examples=(
            "transfer open-bandit",
            "transfer random/all/all.csv bts/all/all.csv",
            "transfer --scenario MusicStreaming --loggers uniform ials",
        ),
    )
    parser.add_argument(
        "logs",
        nargs="*",
        metavar="LOG",
        help="two tables of the Open Bandit Dataset, of one campaign by two policies; or "
        f"{OPEN_BANDIT}, its sample, which is fetched when first named",
    )
    add_count(parser, "--resamples", "of a log, for intervals", default=100)
    add_seed(parser, of="resamples, or of the first world")
    parser.add_argument("--out", type=path, metavar="FOLDER", help="keeps tables and a page (none)")
    add_overwrite(parser, help="replace a page that is there")
    _add_known(parser)
    parser.set_defaults(run=transfer)


def _add_known(parser: argparse.ArgumentParser) -> None:
    known = parser.add_argument_group("simulated people", "whose truth is known")
    known.add_argument("--scenario", metavar="SCENARIO", help=f"instead of LOGs; {SCENARIO}")
    add_settings(known)
    for name, text in (
        ("--loggers", "whose logs are fitted, one after the other (uniform popularity ials)"),
        (
            "--policies",
            "uniform, and recommenders that know ids only (uniform popularity item_knn svd ials)",
        ),
    ):
        known.add_argument(name, nargs="+", default=(), metavar="AGENT", help=text)
    add_count(known, "--learn", "slates that each learns from", default=20_000)
    add_count(known, "--interactions", "slates of a log", default=20_000)
    add_count(known, "--sessions", "served for a value, a multiple of 100", default=2_000)
    add_count(known, "--factors", "tastes of a fitted world", default=2)
    add_count(known, "--worlds", "each with people, items, logs and policies of its own", default=5)


def transfer(options: argparse.Namespace) -> int:
    """Prints how well each log tells of the other; keeps it, if asked to."""
    if bool(options.logs) == bool(options.scenario):
        raise ValueError(f"name either LOGs, such as {OPEN_BANDIT}, or --scenario SCENARIO")
    return _known(options) if options.scenario else _real(options)


def _known(options: argparse.Namespace) -> int:
    """Fits worlds to logs of simulated people, and says how near they come to the truth."""
    from recsim_env.benchmark.transfer.known_report import KNOWN_FILES, known_tables, write_known
    from recsim_env.benchmark.transfer.known_truth import predict_known
    from recsim_env.benchmark.transfer.known_values import TruthSettings
    from recsim_env.envs.resolving import settings_of

    settings = TruthSettings(
        scenario=options.scenario,
        scenario_settings=as_dict(options.settings, settings_of(options.scenario)),
        learn=options.learn,
        interactions=options.interactions,
        sessions=options.sessions,
        seeds=tuple(range(options.seed, options.seed + options.worlds)),
        fit={"n_factors": options.factors},
    )
    if options.loggers:
        settings = dataclasses.replace(settings, loggers=tuple(options.loggers))
    if options.policies:
        settings = dataclasses.replace(settings, policies=tuple(options.policies))
    if options.out:
        check_absent(options.out / KNOWN_FILES[-1], overwrite=options.overwrite, remedy=_REMEDY)
    values = predict_known(settings, progress_bar=True)
    _print_tables(known_tables(values))
    if options.out:
        for file in write_known(values, settings, options.out, command=options.typed):
            print(f"written: {file}")
    return 0


def _print_tables(tables: "Iterable[tuple[str, str, list[list[str]]]]") -> None:
    for heading, reading, rows in tables:
        print(f"{heading}\n{reading}\n")
        print_columns(rows, indent=2)
        print()


def _real(options: argparse.Namespace) -> int:
    """Predicts clicks in each of two logs by the other."""
    from recsim_env.benchmark.transfer.click_report import (
        CLICK_FILES,
        click_tables,
        summary,
        write_clicks,
    )

    if options.out:
        check_absent(options.out / CLICK_FILES[-1], overwrite=options.overwrite, remedy=_REMEDY)
    found = _predicted(options)
    _print_tables(click_tables(found))
    print(summary(found))
    if options.out:
        title = "Clicks under another recommender"
        for file in write_clicks(found, options.out, title=title, command=options.typed):
            print(f"written: {file}")
    return 0


def _predicted(options: argparse.Namespace) -> "list[ClickTransfer]":
    """Returns both directions of each campaign."""
    from recsim_env.benchmark.transfer.click_log import read_click_log
    from recsim_env.benchmark.transfer.clicks import predict_clicks
    from recsim_env.progress import progress

    campaigns = _campaigns(options.logs)
    found = []
    with progress(total=2 * len(campaigns), unit="log") as bar:
        for campaign, files in campaigns.items():
            first, second = (read_click_log(file) for file in files)
            for fitted, other in ((first, second), (second, first)):
                found.append(
                    predict_clicks(
                        fitted,
                        other,
                        campaign=campaign,
                        n_resamples=options.resamples,
                        seed=options.seed,
                    )
                )
                bar.update(1)
    return found


def _campaigns(logs: list[str]) -> dict[str, tuple[Path, Path]]:
    """Returns the files of both policies, by campaign."""
    from recsim_env.data.open_bandit import CAMPAIGNS, OPEN_BANDIT_SAMPLE, POLICIES

    if logs == [OPEN_BANDIT] and not Path(OPEN_BANDIT).exists():
        folder = OPEN_BANDIT_SAMPLE.fetch() / "dataset" / "obd"
        first, second = POLICIES
        return {
            each: (folder / first / each / f"{each}.csv", folder / second / each / f"{each}.csv")
            for each in CAMPAIGNS
        }
    if len(logs) != 2:
        raise ValueError(
            f"{' '.join(logs)}: name two tables of the Open Bandit Dataset, or {OPEN_BANDIT}"
        )
    files = Path(logs[0]), Path(logs[1])
    return {files[0].stem: files}
