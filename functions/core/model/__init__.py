"""Domain model of a run: rows, options, outcomes, records, errors, and the ports that adapters implement."""
