"""Parquet manifests: only the footer of the file is read here, for rows and columns."""
