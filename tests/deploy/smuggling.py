"""Request smuggling through a real nginx to a real API. proxy.py tests spoofed headers.

nginx and the API must agree on the boundaries between requests. tests/e2e/smuggling.rs sends such requests to the API
without nginx.
"""

import os
import re
import socket
import subprocess

from monitoring import PROGRAMS, TIMEOUT, eventually, free_port
from proxy import Nginx

NEXT = "GET /health/live HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
LAST_CHUNK = "0\r\n\r\n"


def post(lines, body=LAST_CHUNK):
    """A request with these header lines."""
    return f"POST /persons HTTP/1.1\r\nHost: api\r\n{lines}\r\n{body}"


# Requests that nginx rejects. The bodies are valid for each of the headers.
REJECTED = {
    "two lengths": post("Content-Length: 5\r\nContent-Length: 2\r\n"),
    "two lengths in one": post("Content-Length: 5, 2\r\n"),
    "a signed length": post("Content-Length: +5\r\n"),
    "a hexadecimal length": post("Content-Length: 0x5\r\n"),
    "a length beyond 64 bits": post("Content-Length: 18446744073709551616\r\n"),
    "a length and chunks": post(f"Content-Length: 5\r\n{CHUNKED}"),
    "chunks and a length": post(f"{CHUNKED}Content-Length: 5\r\n"),
    "chunked in two lines": post(CHUNKED * 2),
    "chunked twice": post("Transfer-Encoding: chunked, chunked\r\n"),
    "chunked is not last": post("Transfer-Encoding: chunked, identity\r\n"),
    "an unknown coding": post("Transfer-Encoding: xchunked\r\n"),
    "another kind of space": post("Transfer-Encoding: \x0bchunked\r\n"),
    "a space before the colon": post("Transfer-Encoding : chunked\r\n"),
    "a NUL": post("A: b\0\r\n"),
    "one length twice": post("Content-Length: 5\r\nContent-Length: 5\r\n"),
    "one length twice in one": post("Content-Length: 5, 5\r\n"),
    "an unsupported coding": post("Transfer-Encoding: gzip, chunked\r\n"),
    "an empty coding": post("Transfer-Encoding: chunked,\r\n"),
    "a quoted coding": post('Transfer-Encoding: "chunked"\r\n'),
    "no coding and a length": post("Transfer-Encoding:\r\nContent-Length: 5\r\n"),
    "a bare CR": post("A: b\rC: d\r\n"),
    "a folded line": post("A: b\r\n c: d\r\n"),
    "a signed chunk": post(CHUNKED, "-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk with a prefix": post(CHUNKED, "0x2\r\n{}\r\n0\r\n\r\n"),
    "no line end after the chunk": post(CHUNKED, "2\r\n{}xx0\r\n\r\n"),
    "no host": "GET /health/live HTTP/1.1\r\n\r\n",
    "two hosts": "GET /health/live HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "a host with a slash": "GET /health/live HTTP/1.1\r\nHost: a/b\r\n\r\n",
}
# Requests with one boundary, of which nginx and the API must not find another one.
SERVED = {
    # nginx removes the line.
    "no colon": post("A\r\n", ""),
    "capitals": post("Transfer-Encoding: CHUNKED\r\n"),
    "another name": post("Transfer_Encoding: chunked\r\nContent-Length: 2\r\n", "{}"),
    "an extension": post(CHUNKED, "2;a=b\r\n{}\r\n0\r\n\r\n"),
    "a trailer": post(CHUNKED, "2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "a header that names the next request": post(f"Content-Length: {len(NEXT)}\r\n", NEXT),
}


class Smuggling(Nginx):
    """Run by tests/deploy/run."""

    def start_api(self, **environment):
        """Starts an API without a database, and nginx in front of it. Returns the log of the API."""
        port = free_port()
        variables = {"DATABASE_URL": "postgresql://user:password@127.0.0.1:1/none", "API_LISTEN": f"127.0.0.1:{port}"}
        trusted = {"API_TRUSTED_PROXIES": "127.0.0.0/8"}
        api = subprocess.Popen(
            [PROGRAMS / "api"], env=os.environ | variables | trusted, stderr=subprocess.PIPE, text=True
        )

        def stop():
            api.terminate()
            return api.communicate(timeout=TIMEOUT)[1]

        self.addCleanup(lambda: api.poll() is None and stop())
        eventually("the API", lambda: socket.create_connection(("127.0.0.1", port)).close() or True)
        self.start(port, PROXY_REQUESTS_PER_SECOND="0", **environment)
        return stop

    def statuses(self, text):
        """The statuses of all responses to this request and another one over the same connection."""
        with socket.create_connection(("127.0.0.1", self.port), TIMEOUT) as stream:
            stream.sendall((text + NEXT).encode())
            received = b""
            try:
                while data := stream.recv(65536):
                    received += data
            except ConnectionResetError:
                pass
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", received)]

    def test_ambiguous_requests_are_rejected_and_not_passed_on(self):
        stop = self.start_api()
        for why, text in REJECTED.items():
            statuses = self.statuses(text)
            self.assertEqual(len(statuses), 1, why)
            self.assertIn(statuses[0], [400, 501], why)
        self.assertEqual(self.second.requests, [])
        # The API has logged no request, so nothing was passed on.
        self.assertNotIn("status=", stop())

    def test_requests_have_one_boundary_for_nginx_and_the_api(self):
        stop = self.start_api()
        for why, text in SERVED.items():
            self.assertEqual(self.statuses(text), [401, 200], why)
        self.assertEqual(self.second.requests, [])
        self.assertEqual(stop().count("route=\"/persons\""), len(SERVED))
