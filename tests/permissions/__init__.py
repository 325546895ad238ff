"""Which test needs which grant of the template: recorded, and shown by removing each grant.

    .venv/bin/python -m tests.permissions record    # runs the suite and writes recorded.json
    .venv/bin/python -m tests.permissions remove    # removes one grant at a time, and reruns the recorded tests

`make permissions` does both. It takes about an hour, so it is not part of CI; tests/integration/test_grants.py compares
the grants of the template with recorded.json and with the table in explained.py.
"""
