"""The table of runs, means with intervals, and what both say."""
