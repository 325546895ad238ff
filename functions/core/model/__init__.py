"""The nouns of a run: rows, options, outcomes, records, errors, and the ports that adapters implement."""
