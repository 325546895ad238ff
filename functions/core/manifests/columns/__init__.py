"""What the columns of a manifest are: which one has the URLs, and which are the user's own."""
