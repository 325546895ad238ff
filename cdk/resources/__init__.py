"""The resources of the stack: one construct per module."""
