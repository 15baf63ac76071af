"""Runs of any comparison: what decides them, how they are played, and which are kept already."""
