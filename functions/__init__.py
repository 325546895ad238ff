"""The Lambda functions: one handler for each file, named after its state. `core` has the logic, `adapters` call AWS."""
