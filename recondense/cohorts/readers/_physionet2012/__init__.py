"""Parts of the plug-in `physionet2012`: its variables, files, lines, records and outcomes."""
