"""What runs in Lambda: one handler a file, named after its state; `core` is the logic, `adapters` call AWS."""

__version__ = "0.2.0"
"""The version of the project; it is written nowhere else."""
