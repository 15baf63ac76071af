"""Calibration: fitting worlds to logs, and measuring how realistic they are."""
