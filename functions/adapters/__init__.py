"""Implementations of the ports in `functions.core.model.ports` over AWS, each named after its service."""
