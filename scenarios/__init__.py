"""The scenarios: each file is one kind of people and items, and one question."""
