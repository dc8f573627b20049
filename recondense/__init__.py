"""Share what a patient cohort teaches without sharing who is in it."""
