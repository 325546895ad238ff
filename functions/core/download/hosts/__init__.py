"""The hosts of a batch: which of them may be asked now, and how fast."""
