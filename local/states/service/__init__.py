"""The Step Functions API.

errors           ApiError and every error of the API            validation       checks of request members
pagination       maxResults and nextToken                       responses        records as responses
engine           state machines, executions and their threads   api              the table of actions
"""
