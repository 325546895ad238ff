"""A local AWS of its own: its functions make smaller groups."""

from tests.integration.conftest import assembly

__all__ = ["assembly"]
