"""Parts of the plug-in `table`: its options, files, cells, subjects and measurements."""
