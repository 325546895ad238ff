"""The results of a run as a table: one line for each row of its manifest, and what is derived from it."""
