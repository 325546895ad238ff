"""HTTP client for one image: guarded connections, limits and deadlines. Every failure is a RowError."""
