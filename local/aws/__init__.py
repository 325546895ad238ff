"""The local AWS: the synthesized template, deployed and running on this machine.

Importing it makes this process forget the machine's own AWS settings: moto and boto3 read them as they are
imported, and a profile that does not exist, or an account that does, has no place in here.
"""

import os

for _name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
    os.environ.pop(_name, None)
for _name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
    os.environ[_name] = os.devnull
