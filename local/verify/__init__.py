"""`./image-mirror verify`: checks a deployed stack with runs of its own, and removes them.

It calls AWS with the rights of the caller and imports nothing of the local AWS, which it checks in the same way.
"""
