"""Records of executions and Map Runs, and their event histories."""
