"""What the check has created, so that it can be removed: objects, rows, run records, a queue and its subscription."""

import secrets
import threading
from dataclasses import dataclass, field

ID_BYTES = 4


@dataclass
class Created:
    """Filled by several threads. `name` is part of every key that the check chooses itself.

    `uploads` are the keys of manifests whose upload starts a run, `manifests` those of all manifests, `executions` the
    ARNs of the runs by their IDs, `urls` the keys of rows in the images table.
    """

    name: str = field(default_factory=lambda: f"verify-{secrets.token_hex(ID_BYTES)}")
    uploads: set[str] = field(default_factory=set)
    manifests: set[str] = field(default_factory=set)
    executions: dict[str, str] = field(default_factory=dict)
    urls: set[str] = field(default_factory=set)
    queue_url: str = ""
    subscription_arn: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def pictures_prefix(self) -> str:
        return f"verify/{self.name.removeprefix('verify-')}/"

    def add_upload(self, key: str) -> None:
        with self.lock:
            self.uploads.add(key)
            self.manifests.add(key)

    def add_manifest(self, key: str) -> None:
        with self.lock:
            self.manifests.add(key)

    def add_run(self, run_id: str, execution_arn: str) -> None:
        with self.lock:
            self.executions[run_id] = execution_arn

    def add_url(self, url: str) -> None:
        with self.lock:
            self.urls.add(url)
