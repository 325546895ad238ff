"""Summarizing a run: reconciling its rows with its outcomes, and writing its reports."""
