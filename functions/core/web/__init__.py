"""One URL to bytes on disk, or a RowError: the guarded transport and all that a hostile server can do to it."""
