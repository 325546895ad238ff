"""Shards: the images of a batch in tar files, as the WebDataset format names their members."""
