"""Recommenders judged on a log of real people: the task, one run, the study and its tables."""
