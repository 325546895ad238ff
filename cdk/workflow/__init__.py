"""The state machine: its definition in the Amazon States Language, its item readers, and its construct."""
