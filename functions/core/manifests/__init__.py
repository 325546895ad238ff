"""Manifests: detect their format, validate them, and read and write their rows as Step Functions reads them."""
