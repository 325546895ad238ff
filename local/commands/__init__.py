"""The commands of `./image-mirror`: run, up, watch, plan and cost. `__main__` has their arguments."""
