"""The API: submission, queries and control of runs, and their requests and responses."""
