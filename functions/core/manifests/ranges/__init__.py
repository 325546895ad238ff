"""Ranges of a manifest: what is counted in one, where one may begin, and the check of all of them."""
