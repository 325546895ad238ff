"""One URL to bytes on disk, or a RowFault: the guarded transport and all that a hostile server can do to it."""
