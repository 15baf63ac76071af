"""Our networks in other people's frameworks: one module for each, imported by who has it."""
