"""The commands that change an AWS account. Nothing here imports the local AWS."""
