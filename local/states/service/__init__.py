"""The Step Functions API: actions, paging and responses."""
