"""From one person to many: the loops over a batch of people, and their state."""
