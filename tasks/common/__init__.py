"""Shelf: what every room needs. Typed records and their files, params, plug-in discovery, the stage decorator."""
