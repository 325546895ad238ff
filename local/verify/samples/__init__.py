"""What the check uploads: generated images, and manifests of links to them in every format."""
