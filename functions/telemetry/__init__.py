"""What functions tell about their work: metrics, traces, the log's lines. `core` knows nothing of it."""
