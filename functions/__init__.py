"""The Lambda functions: one handler for each file, named after its state. `core` has the logic, `adapters` call AWS."""

__version__ = "0.2.0"
"""The version of the project; it is written nowhere else."""
