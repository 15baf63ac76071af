"""Finding better settings of an agent in a scenario, and judging them on people of their own."""
