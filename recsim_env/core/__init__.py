"""What a scenario is: settings, records, random streams, choice models, a few functions."""
