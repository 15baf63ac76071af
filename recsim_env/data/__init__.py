"""Real logs: reading them, fitting worlds to them, and saying how faithful a world is."""

from typing import TYPE_CHECKING, Any

from recsim_env.data.calibration.calibrate import CalibrationWarning, calibrate
from recsim_env.data.calibration.fidelity import FidelityTable, fidelity_table
from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.data.export import export_log, log_columns
from recsim_env.data.impressions import Impressions
from recsim_env.data.interactions import Interactions
from recsim_env.data.log import InteractionLog
from recsim_env.data.reading import LogWarning, Reading

if TYPE_CHECKING:
    from recsim_env.data.readers.log_reader import read_log

__all__ = [
    "CalibrationSettings",
    "CalibrationWarning",
    "FidelityTable",
    "Impressions",
    "InteractionLog",
    "Interactions",
    "LogWarning",
    "Reading",
    "calibrate",
    "export_log",
    "fidelity_table",
    "log_columns",
    "read_log",
]


def __getattr__(name: str) -> Any:
    """Returns `read_log`, whose library is imported only when it is asked for."""
    if name != "read_log":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import polars  # noqa: F401  # importing it tells whether the extra is missing
    except ImportError as error:
        raise ImportError(
            'reading logs needs polars; install it with pip install "recsim-env[data]"'
        ) from error
    from recsim_env.data.readers.log_reader import read_log

    return read_log


def __dir__() -> list[str]:
    """Returns all names, so that documentation and completion find `read_log`."""
    return sorted({*globals(), *__all__})
