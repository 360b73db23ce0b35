"""When and in which order: the threads that make store and servers agree."""
