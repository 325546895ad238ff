"""The HTTP side of the local AWS: its server, its router and API Gateway."""
