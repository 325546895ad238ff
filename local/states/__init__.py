"""An interpreter of the Amazon States Language with JSONPath, and the Step Functions API around it.

Packages import only the ones below them, and nothing outside `local.states`:

    service     the API: actions, errors of the API, pagination, responses; the engine
    run         executions: interpreter, states, life cycle
    items       distributed Map: ItemReader, ItemBatcher, ResultWriter
    records     executions, Map Runs, histories
    language    definitions and their validation, paths, intrinsic functions, Choice rules, Retry and Catch
    base        errors of the language, quotas, JSON payloads, ARNs, clock, stop signal

Where things belong:

    an action of the API            service/api.py, a row of the table and a method
    an error of the API             service/errors.py
    a check of a request member     service/validation.py
    the shape of a response         service/responses.py
    a quota of the service          base/quotas.py
    an error name of the language   base/errors.py
    a field of a state              language/fields.py, a row of a table; then run/, where it takes effect
    a resource, an input type       language/resources.py; then run/tasks.py, items/readers.py
    an intrinsic function           language/intrinsic_functions.py

In this package, DG is the AWS Step Functions Developer Guide (https://docs.aws.amazon.com/step-functions/latest/dg/),
and API the AWS Step Functions API Reference.
"""

from local.states.base.errors import InvalidDefinitionError, InvocationRefusedError, UnsupportedDefinitionError
from local.states.run.services import Invocation
from local.states.service.api import StatesApi
from local.states.service.engine import Engine
from local.states.service.errors import ApiError

__all__ = [
    "ApiError",
    "Engine",
    "InvalidDefinitionError",
    "Invocation",
    "InvocationRefusedError",
    "StatesApi",
    "UnsupportedDefinitionError",
]
