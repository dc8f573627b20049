"""Parts of the plug-in `meds`: its options, labels and events."""
