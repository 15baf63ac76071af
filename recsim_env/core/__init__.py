"""What a scenario is: settings, records, random streams, choice models, and functions about one person."""
