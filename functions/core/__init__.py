"""What mirroring is: rows, downloads, outcomes, books. Knows no handler, no environment variable and no AWS client."""
