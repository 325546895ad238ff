"""The version of the project. It is written here alone."""

VERSION = "0.2.0"
