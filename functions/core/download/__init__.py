"""Download a batch of rows, many at a time, in one or more rounds. Each row ends with exactly one outcome."""
