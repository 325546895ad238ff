"""The embedded AWS: the synthesized template, run on this machine."""
