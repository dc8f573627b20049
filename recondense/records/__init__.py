"""The forms that records take between stages, and what a single cell of a table means."""
