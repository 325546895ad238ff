"""S3: manifests, the files of runs, and images."""
