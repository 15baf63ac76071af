"""Real logs: reading them, fitting worlds to them, and saying how faithful a world is."""

from recsim_env.data.calibration.calibrate import CalibrationWarning, calibrate
from recsim_env.data.calibration.fidelity import FidelityTable, fidelity_table
from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.data.export import export_log, log_columns
from recsim_env.data.interactions import Interactions
from recsim_env.data.log import InteractionLog
from recsim_env.data.readers.log_reader import read_log
from recsim_env.data.reading import LogWarning, Reading

__all__ = [
    "CalibrationSettings",
    "CalibrationWarning",
    "FidelityTable",
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
