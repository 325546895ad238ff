"""DynamoDB tables whose items are in SQLite. moto keeps the tables, this package keeps their items.

A change is in the file when its request is answered, so it survives the death of the process. Against the death of the
machine, the caller flushes the file system.
"""
