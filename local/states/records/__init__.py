"""Records of executions and Map Runs, their event histories, and their status change events."""
