"""What the API does: runs asked for, looked at, slowed down, stopped and tried again."""
