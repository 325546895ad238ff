"""The resources of the stack, one construct a module."""
