"""Differential privacy: what is asked of the patients, through which noise, and what it costs."""
