"""A small web server on this machine, for tests of what is downloaded."""

import contextlib
import http.server
import threading


class Site:
    """Files by path, and what was asked for."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.cut: set[str] = set()  # paths whose answer breaks off
        self.endless: set[str] = set()  # paths whose answer does not say how long it is
        self.redirects: dict[str, str] = {}
        self.asked: list[str] = []
        self.url = ""


@contextlib.contextmanager
def serve():
    """A `Site` for the length of a `with`."""
    site = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802 - the library's name
            site.asked.append(self.path)
            if self.path in site.redirects:
                self.send_response(302)
                self.send_header("Location", site.redirects[self.path])
                self.end_headers()
                return
            if self.path not in site.files:
                self.send_error(404)
                return
            data = site.files[self.path]
            self.send_response(200)
            if self.path not in site.endless:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if self.path in site.cut else data)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
