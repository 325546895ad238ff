"""Execution of states: tasks, maps, parallel branches, and the life cycle of an execution."""
