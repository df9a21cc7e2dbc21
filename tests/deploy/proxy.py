"""A real nginx with docker/nginx/nginx.conf, between clients and replicas that fail."""

import http.client
import json
import re
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from monitoring import TIMEOUT, ROOT, eventually, free_port

SOURCE = ROOT / "docker/nginx"
# Matches directives that need a certificate, a DNS server, or a newer nginx than Debian has. The tests remove them.
OMITTED = r"^ +(ssl_\w+|resolver\w*|keepalive_min_timeout|http2) [^;]*;\n"
VALUES = {"HEADER_TIMEOUT": "10s", "BODY_TIMEOUT": "20s", "READ_TIMEOUT": "35s", "BODY_LIMIT": "1048576"}
BODIES = {"PUT": b'{"a":1}', "POST": b'{"a":1}', "PATCH": b'{"a":1}'}
# A body that is large enough for nginx to compress it.
LARGE = b'{"a":"' + b"a" * 2000 + b'"}'


class Replica:
    """A server that responds to each request, or closes the connection after it has read the request."""

    def __init__(self, fails):
        self.requests, self.fails = [], fails
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            with stream:
                self.requests.append(stream.recv(65536).decode())
                if not self.fails:
                    head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n"
                    head += f'ETag: "1"\r\nContent-Length: {len(LARGE)}\r\n\r\n'
                    stream.sendall(head.encode() + LARGE)


class Proxy(unittest.TestCase):
    """Run by tests/deploy/run."""

    def start(self, first):
        """Starts nginx in front of a replica on the port `first`, and a second replica for when that fails."""
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        # The worker processes of nginx need access. They run as another user if nginx runs as root.
        folder.chmod(0o755)
        self.second = Replica(fails=False)
        self.addCleanup(self.second.listener.close)
        self.port = free_port()
        (folder / "mime.types").write_text("types {}")
        # With max_fails=0, each request tries the first replica again.
        replicas = f"server 127.0.0.1:{first} max_fails=0;\nserver 127.0.0.1:{self.second.port} backup;\n"
        (folder / "replicas.conf").write_text(replicas)
        text = (SOURCE / "nginx.conf").read_text()
        for name, value in {**VALUES, "BALANCE": "", "PORT": ""}.items():
            text = text.replace(f"@{name}@", value)
        text = re.sub(OMITTED, "", text, flags=re.MULTILINE)
        text = text.replace("8443 ssl", f"127.0.0.1:{self.port}")
        text = text.replace("listen 8080", f"listen 127.0.0.1:{free_port()}")
        text = text.replace("/etc/nginx/mime.types", f"{folder}/mime.types").replace("/run/nginx", str(folder))
        text = text.replace("/etc/slipway", str(SOURCE)).replace("worker_rlimit_nofile 65536;", "daemon off;")
        (folder / "nginx.conf").write_text(text)
        command = ["nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        nginx = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.addCleanup(nginx.wait, timeout=TIMEOUT)
        self.addCleanup(nginx.terminate)
        eventually("nginx", lambda: socket.create_connection(("127.0.0.1", self.port)).close() or True)

    def ask(self, method, headers=None):
        """The response to a request, and its body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        self.addCleanup(connection.close)
        connection.request(method, "/persons/%41?a=1", BODIES.get(method), headers or {})
        response = connection.getresponse()
        return response, response.read()

    def test_requests_that_were_not_sent_are_sent_to_another_replica(self):
        # No replica listens on the port.
        self.start(free_port())
        for method in ["GET", "PUT", "DELETE", "POST", "PATCH"]:
            spoofed = {"X-Write-Method": "DELETE", "X-Forwarded-For": "203.0.113.1"}
            response, _ = self.ask(method, spoofed)
            self.assertEqual(response.status, 200, method)
            head, _, body = self.second.requests.pop().partition("\r\n\r\n")
            self.assertTrue(head.startswith(f"{method} /persons/%41?a=1 HTTP/1.1\r\n"), head)
            self.assertIn("X-Forwarded-For: 127.0.0.1\r\n", head)
            self.assertEqual(head.count("X-Request-Id:"), 1, head)
            self.assertNotIn("X-Write-Method", head)
            self.assertEqual(body.encode(), BODIES.get(method, b""))
        self.assertEqual(self.second.requests, [])

    def test_only_reads_that_were_sent_are_sent_again(self):
        first = Replica(fails=True)
        self.addCleanup(first.listener.close)
        self.start(first.port)
        for method in ["PUT", "DELETE", "POST", "PATCH"]:
            response, body = self.ask(method)
            self.assertEqual(response.status, 502, method)
            self.assertEqual(response.headers["Content-Type"], "application/problem+json")
            head = first.requests.pop()
            self.assertIn(f"X-Request-Id: {json.loads(body)['request_id']}\r\n", head)
            self.assertEqual((first.requests, self.second.requests), ([], []), method)
        self.assertEqual(self.ask("GET")[0].status, 200)
        self.assertEqual((len(first.requests), len(self.second.requests)), (1, 1))

    def test_compressed_responses_have_a_weak_etag(self):
        self.start(free_port())
        response, _ = self.ask("GET", {"Accept-Encoding": "gzip"})
        self.assertEqual(response.headers["Content-Encoding"], "gzip")
        # The API accepts a weak ETag in If-Match, see tests/e2e/contract/change.rs.
        self.assertEqual(response.headers["ETag"], 'W/"1"')
