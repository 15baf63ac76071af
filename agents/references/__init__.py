"""What every comparison is measured against: the floor and the ceilings."""
