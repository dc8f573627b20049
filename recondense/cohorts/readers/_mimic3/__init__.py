"""Parts of the plug-in `mimic3`: its variables, items, tables, cohort and events."""
