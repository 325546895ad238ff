"""The dashboard, the alarms and the saved log queries."""
