"""The commands of the make targets: run, up, watch, plan and cost."""
