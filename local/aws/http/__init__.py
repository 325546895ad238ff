"""HTTP of the local AWS: the server, the router and API Gateway."""
