"""The command line: the same commands for scripts.  Reads through ``store.read``, speaks through ``wire``."""
