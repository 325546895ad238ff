"""Throttling of S3 and DynamoDB as WSGI applications in front of the services; without a limit there is none of them.

applications  the limits that are set, in front of an application
token_bucket  a rate per second
objects       S3: SlowDown
tables        DynamoDB: capacity units of each table
items         DynamoDB: the capacity units of requests
"""
