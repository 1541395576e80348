"""How many bytes visitors may send: at once into memory, and in an hour to the disk; of all and of one address."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from pages.server.security.limits import MB, Bucket, Buckets, Limits

HOUR = 3600.0
FORM = 100_000  # bytes that a form adds to a file


class RefusedError(Exception):
    """A request that is not granted: a status, a sentence, and in how many seconds it may be."""

    def __init__(self, status: int, text: str, seconds: float = 0.0) -> None:
        super().__init__(text)
        self.status, self.seconds = status, max(1, round(seconds)) if seconds else 0


class UploadBudget:
    """For the one thread of the server. `held` gives the bytes that lie in memory by session."""

    def __init__(self, limits: Limits, held: Callable[[], Mapping[str, int]]) -> None:
        self._limits, self._held = limits, held
        total, each = limits.max_upload_mb * MB, limits.max_upload_per_client_mb * MB
        self._all, self._of_client = Bucket(total, total / HOUR), Buckets(each, each / HOUR)
        self._arriving: dict[object, tuple[str | None, int]] = {}  # by upload: (client, bytes)
        self._clients: dict[str, str | None] = {}  # by session

    def count(self, client: str | None, size: int) -> None:
        """These bytes come in now. Raises RefusedError where an hour's share is used up."""
        if client is not None and (seconds := self._of_client.of(client).take(size)):
            most = self._limits.max_upload_per_client_mb
            raise RefusedError(
                429, f"You have uploaded {most:,} MB in the last hour, the most here. Try later.", seconds
            )
        if seconds := self._all.take(size):
            if client is not None:
                self._of_client.of(client).give_back(size)
            raise RefusedError(503, "This server has taken all uploads that it can for now. Try later.", seconds)

    @contextmanager
    def in_memory(self, client: str | None, session: str, size: int) -> Iterator[None]:
        """A file of a session comes in during the block and stays in memory after it. Raises RefusedError."""
        limits, held = self._limits, self._held()
        if size > limits.max_file_mb * 2**20 + FORM:  # as Streamlit counts, which tells the visitor before
            raise RefusedError(413, f"A file can have {limits.max_file_mb} MB here, not {size / MB:,.0f} MB.")
        self._clients = {name: known for name, known in self._clients.items() if name in held}
        arriving = [(other, number) for other, number in self._arriving.values()]
        own = sum(number for other, number in arriving if other == client)
        own += sum(number for name, number in held.items() if self._clients.get(name) == client)
        if client is not None and own + size > limits.max_memory_per_client_mb * MB:
            text = f"Your uploads take {limits.max_memory_per_client_mb} MB already. Wait until they are read."
            raise RefusedError(429, text, 10)
        if sum(number for _, number in arriving) + sum(held.values()) + size > limits.max_memory_mb * MB:
            raise RefusedError(503, "Many visitors are uploading now. Try again in a minute.", 60)
        self.count(client, size)
        upload = object()
        self._arriving[upload] = (client, size)
        try:
            yield
        finally:
            del self._arriving[upload]
            self._clients[session] = client
