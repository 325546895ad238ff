"""Importing this module lets botocore validate each request of the functions. The sandboxes of all tests import it."""

from functions.adapters import clients

clients.validates_parameters = True
