"""Where the images of a run are kept: an object for each image, or shards."""
