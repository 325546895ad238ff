"""Dashboard, alarms and saved log queries."""
