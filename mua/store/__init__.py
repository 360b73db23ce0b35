"""The truth that the screen shows: SQLite in WAL, one writer (the engine), many readers."""
