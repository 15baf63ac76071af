"""`recsim-env plot`: figures, report, page and tables of a benchmark, and curves of training."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import add_overwrite, path
from recsim_env.cli.comparing import PAGE, RESULTS, write_page_of
from recsim_env.formats.files import check_absent, replace_file

if TYPE_CHECKING:
    from recsim_env.results.table import ResultTable

_FORMATS = ("png", "pdf", "svg")
_REMEDY = "choose another name, or replace it with --overwrite"


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "plot",
        help="redraw figures, report and page from a result table; draw curves of training",
        description="Redraws figures, report and page of a benchmark from the folder's files "
        "alone; of files of agents that were trained, draws how their reward grew.",
        examples=(
            "plot",
            "plot results/NewsFeed-v0 --format pdf",
            "plot results/NewsFeed-v0 --summary summary.csv --latex table.tex",
            "plot ppo.agent dqn.agent --out curves.png",
        ),
    )
    parser.add_argument(
        "names",
        nargs="*",
        type=path,
        metavar="FOLDER|AGENT",
        help=f"what a benchmark wrote (the only one in {RESULTS}), or files of trained agents",
    )
    parser.add_argument(
        "--figures",
        nargs="*",
        metavar="NAME",
        help="only these, or none: ladder, aggregates, profiles, improvement, ranks, sweep, "
        "tradeoff, leaderboard, learning, pairs, online, regret, people, page (all)",
    )
    parser.add_argument(
        "--format",
        nargs="+",
        choices=_FORMATS,
        metavar="FORMAT",
        help="figures of the report in these too, beside their .png: pdf, svg",
    )
    parser.add_argument(
        "--summary",
        type=path,
        metavar="FILE",
        help="write a line for each scenario and agent, with intervals and metrics: .csv or "
        ".parquet; nothing is redrawn, unless --figures or --format ask for it",
    )
    parser.add_argument(
        "--latex", type=path, metavar="FILE", help="write a table for each scenario: .tex"
    )
    parser.add_argument(
        "--out",
        type=path,
        metavar="FILE",
        help="the figure of curves: .png, .pdf, .svg (AGENT.png)",
    )
    add_overwrite(
        parser,
        help="replace files of --summary, --latex and --out that are there, "
        "and a report by one with fewer figures",
    )
    parser.set_defaults(run=plot)


def plot(options: argparse.Namespace) -> int:
    """Redraws from files alone."""
    files = [name for name in options.names if not name.is_dir()]
    if files:
        _plot_training(options, files)
    else:
        _plot_benchmark(options)
    return 0


def _require_plots() -> None:
    try:
        import recsim_env.plots  # noqa: F401  # importing it tells which extra is missing
    except ImportError as error:
        raise ImportError('figures need Matplotlib: pip install "recsim-env[plots]"') from error


def _plot_benchmark(options: argparse.Namespace) -> None:
    """Redraws a folder, and writes the tables that were asked for."""
    from recsim_env.results.table import ResultTable

    if options.out:
        raise ValueError("--out names the figure of agents' curves; a folder has its own names")
    if len(options.names) > 1:
        raise ValueError(
            f"plot draws one folder at a time, not {', '.join(map(str, options.names))}; "
            "`recsim-env compare` takes several"
        )
    if options.format and options.figures is not None and not {*options.figures} - {PAGE}:
        raise ValueError(
            "--format is of the report's figures; name some with --figures, or leave it out for all"
        )
    folder = _folder_of_one(options.names[0] if options.names else None)
    _check_tables(options)
    is_drawn = options.figures is not None or options.format is not None
    if is_drawn or not (options.summary or options.latex):
        _redraw(options, folder)
    _write_tables(options, ResultTable(folder))


def _redraw(options: argparse.Namespace, folder: Path) -> None:
    """Redraws from the folder's files alone."""
    asked = options.figures
    if asked == [PAGE]:  # the report and its figures stay as they are
        write_page_of(folder, is_asked=True)
        return
    _require_plots()
    from recsim_env.plots.report import FIGURES, draw_report, figures_shown

    figures = FIGURES if asked is None else [each for each in asked if each != PAGE]
    others = [each for each in figures_shown(folder) if each not in figures]
    is_kept = bool(others) and not options.overwrite
    formats = options.format or ()
    report, drawn = draw_report(folder, figures, formats=formats, is_text_kept=is_kept)
    if is_kept:
        print(f"figures: {folder}; {report.name} stays, since it shows {', '.join(others)} too")
        print("(--overwrite replaces it by one with these figures alone)")
    else:
        print(f"report: {report}")
    if asked is not None and (empty := [each for each in figures if each not in drawn]):
        print(f"not drawn, since {folder} has nothing to show there: {', '.join(empty)}")
    if asked is None or PAGE in asked:
        write_page_of(folder, is_asked=asked is not None)


def _check_tables(options: argparse.Namespace) -> None:
    from recsim_env.formats.columns import checked_path

    if options.summary:
        checked_path(options.summary)
    if options.latex:
        checked_path(options.latex, (".tex",))
    for file in filter(None, (options.summary, options.latex)):
        check_absent(file, overwrite=options.overwrite, remedy=_REMEDY)


def _write_tables(options: argparse.Namespace, table: "ResultTable") -> None:
    if options.summary:
        from recsim_env.formats.columns import write_columns
        from recsim_env.results.summary import summary

        write_columns(options.summary, summary(table))
        print(f"summary: {options.summary}")
    if options.latex:
        from recsim_env.results.latex import latex_tables

        replace_file(options.latex, latex_tables(table))
        print(f"LaTeX: {options.latex}")


def _plot_training(options: argparse.Namespace, files: Sequence[Path]) -> None:
    """Draws the learning curves beside agents' files."""
    _require_plots()
    from recsim_env.formats.columns import checked_path
    from recsim_env.plots.style import FORMATS, write_figure
    from recsim_env.plots.training import draw_training
    from recsim_env.results.learning_curve import curve_file, read_curve

    for name in ("figures", "format", "summary", "latex"):
        if getattr(options, name) is not None:
            raise ValueError(f"--{name} is of benchmarks' folders; leave it out beside agents")
    if len(files) < len(options.names):
        raise ValueError("folders and agents are not drawn together; name either")
    out = options.out or files[0].with_name(f"{files[0].name}.png")
    checked_path(out, FORMATS)
    check_absent(out, overwrite=options.overwrite, remedy=_REMEDY)
    curves = {}
    for file in files:
        curve = file if file.suffix == ".csv" else curve_file(file)
        if not file.exists():
            raise ValueError(f"{file} is neither the folder of a benchmark nor an agent's file")
        if not curve.is_file():
            raise ValueError(
                f"{curve} does not exist; `recsim-env train` writes an agent's curve beside it"
            )
        name = curve.name.removesuffix(".csv").removesuffix(".agent")
        curves[str(file) if name in curves else name] = read_curve(curve)
    write_figure(draw_training(curves), out)
    print(f"curves: {out}")


def _folder_of_one(named: Path | None) -> Path:
    """Returns the folder of a benchmark: the one that is named, or the only one there is.

    Raises:
      ValueError: none is named, and there are several, or none; or the one named holds others.
    """
    found = sorted(file.parent for file in (named or RESULTS).glob("*/rows.csv"))
    known = ", ".join(map(str, found)) or f"{RESULTS}/, where there is none yet"
    if named is None and len(found) != 1:
        raise ValueError(f"FOLDER is missing; name one of {known}")
    if named and found and not (named / "rows.csv").exists():
        raise ValueError(f"{named} holds several benchmarks; name one of {known}")
    return named or found[0]
