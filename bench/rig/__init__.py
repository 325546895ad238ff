"""The parts that the measurements share: servers, load, images, virtual environments, the race and the chart."""
