"""What was made elsewhere, as agents: tables of scores, functions, models of other libraries."""
