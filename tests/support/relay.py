"""``python relay.py NEAR FAR``: what comes to one port of this machine goes to another, until the process is ended.

A process of its own: a client of TVM's waits for its answer without letting other threads of Python run.
"""

from __future__ import annotations

import socket
import sys
import threading


def main(near_port: int, far_port: int) -> None:
    listener = socket.create_server(("127.0.0.1", near_port))
    print("ready", flush=True)
    while True:
        near, _ = listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", far_port))
        except OSError:
            near.close()
            continue
        for pair in ((near, far), (far, near)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
