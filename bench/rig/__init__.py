"""What the measurements share: servers, load, images, virtual environments and the race of contenders."""
