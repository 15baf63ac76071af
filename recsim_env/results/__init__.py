"""Results: the table of runs, estimates with intervals, and standings."""
