"""``python recondense/engines/temporary_server.py SOCKET``: Prefect's API on a socket, by its number, that its starter
opened.

Whoever connects before the server is ready waits for it, however busy the machine is; and no other process can take the
port in between.
"""

import socket
import sys

import uvicorn


def main(number: int) -> None:
    """Serve until ended."""
    app = "prefect.server.api.server:create_app"
    config = uvicorn.Config(app, factory=True, lifespan="on", log_level="error")
    uvicorn.Server(config).run([socket.socket(fileno=number)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
