"""What runs in Lambda: one handler a file, named as its state; `core` is the logic, `adapters` are its hands."""
