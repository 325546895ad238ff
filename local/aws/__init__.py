"""The local AWS: the synthesized template, deployed and running on this machine."""
