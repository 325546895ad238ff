"""The result of a probe: what its sample says about the whole list."""
