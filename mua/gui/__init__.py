"""Widgets.  Reads through ``store.read``, speaks through ``wire``; never imports ``net`` or ``engine``."""
