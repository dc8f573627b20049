"""Sweeps: cohorts x methods x sizes x seeds, their cells and what came of them."""
