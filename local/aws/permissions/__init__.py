"""Permissions: every call is checked against the policies of the deployed template, as IAM does.

checks        the checks of deliveries between services, and of a deployment
requests      HTTP requests to actions and resources, service by service
objects       operations of S3 on objects to actions and resources
layer         the check of a request, as a WSGI application
evaluator     decisions: an explicit Deny, then an Allow, else AccessDenied
recording     which grants a test needed
identities    principals and their access keys
sources       the policies of a stack
documents     policy documents to statements
conditions    condition operators and keys
patterns      wildcards
"""
