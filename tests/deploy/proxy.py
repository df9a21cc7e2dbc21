"""A real nginx with docker/nginx/nginx.conf, between clients and replicas that fail."""

import http.client
import json
import os
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
# The folders in which nginx may store bodies.
TEMPORARY = ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"]
BODIES = {"PUT": b'{"a":1}', "POST": b'{"a":1}', "PATCH": b'{"a":1}'}
# A body that is large enough for nginx to compress it.
LARGE = b'{"a":"' + b"a" * 2000 + b'"}'


class Replica:
    """A server that responds to each request, or closes the connection after it has read the request."""

    def __init__(self, fails):
        self.requests, self.fails, self.reads_bodies = [], fails, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.respond, args=[stream], daemon=True).start()

    def respond(self, stream):
        with stream:
            request = stream.recv(65536)
            # nginx may send the body in a segment of its own.
            length = 0 if self.reads_bodies else int((re.findall(rb"Content-Length: (\d+)", request) or [0])[0])
            while len(request.partition(b"\r\n\r\n")[2]) < length:
                request += stream.recv(65536)
            self.requests.append(request.decode())
            if self.reads_bodies and request.startswith(b"POST"):
                while received := stream.recv(65536):
                    self.requests.append(received.decode())
            elif not self.fails:
                head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n"
                head += f'ETag: "1"\r\nContent-Length: {len(LARGE)}\r\n\r\n'
                stream.sendall(head.encode() + LARGE)


class Nginx(unittest.TestCase):
    """Starts nginx."""

    def start(self, first, **environment):
        """Starts nginx in front of a replica on the port `first`, and a second replica for when that fails.

        start.sh writes the configuration with the variables in `environment`.
        """
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
        script = (SOURCE / "start.sh").read_text().partition("printf 'server api")[0]
        script = script.replace("/run/nginx", str(folder)).replace("/etc/slipway", str(SOURCE))
        subprocess.run(["sh", "-c", script], env=os.environ | {"PROXY_BALANCE": "round_robin"} | environment, check=True)
        text = (folder / "nginx.conf").read_text()
        text = re.sub(OMITTED, "", text, flags=re.MULTILINE)
        text = text.replace("8443 ssl", f"127.0.0.1:{self.port}")
        text = text.replace("listen 8080", f"listen 127.0.0.1:{free_port()}")
        text = text.replace("listen 8081", f"listen 127.0.0.1:{free_port()}")
        text = text.replace("/etc/nginx/mime.types", f"{folder}/mime.types").replace("/run/nginx", str(folder))
        text = text.replace("/etc/slipway", str(SOURCE)).replace("worker_rlimit_nofile 65536;", "daemon off;")
        (folder / "nginx.conf").write_text(text)
        self.run_nginx(folder, self.port)

    def run_nginx(self, folder, port):
        command = ["nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        nginx = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.addCleanup(nginx.wait, timeout=TIMEOUT)
        self.addCleanup(nginx.terminate)
        eventually("nginx", lambda: socket.create_connection(("127.0.0.1", port)).close() or True)

    def ask(self, method, headers=None, source="127.0.0.1", port=None):
        """The response to a request from the address `source`, and its body."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, TIMEOUT, source_address=(source, 0))
        self.addCleanup(connection.close)
        connection.request(method, "/persons/%41?a=1", BODIES.get(method), headers or {})
        response = connection.getresponse()
        return response, response.read()


class Proxy(Nginx):
    """Run by tests/deploy/run."""

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

    def forwarded_for(self, *arguments, **options):
        """The client's address that a request brings to the replica."""
        response, _ = self.ask("GET", *arguments, **options)
        self.assertEqual(response.status, 200)
        return re.findall(r"X-Forwarded-For: (.*)\r\n", self.second.requests.pop())

    def test_client_address_comes_from_a_trusted_proxy_in_front(self):
        self.start(free_port(), PROXY_TRUSTED_PROXIES="127.0.0.3,192.0.2.0/24")
        outer = self.outer_nginx(f"proxy_bind 127.0.0.3; proxy_pass http://127.0.0.1:{self.port};")
        spoofed = {"X-Forwarded-For": "203.0.113.1"}
        self.assertEqual(self.forwarded_for(spoofed, "127.0.0.2", outer), ["127.0.0.2"])
        self.assertEqual(self.forwarded_for(spoofed, "127.0.0.2"), ["127.0.0.2"])
        # Another trusted proxy in front of the first, such as a CDN.
        chain = {"X-Forwarded-For": "203.0.113.1, 203.0.113.2, 192.0.2.9"}
        self.assertEqual(self.forwarded_for(chain, "127.0.0.3"), ["203.0.113.2"])

    def outer_nginx(self, directives):
        """Starts another nginx, which appends the address of its client to X-Forwarded-For, and returns its port."""
        folder, port = Path(self.enterContext(tempfile.TemporaryDirectory())), free_port()
        folder.chmod(0o755)
        temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; events {{}} http {{ access_log off; {temporary} server {{"
            f"listen 127.0.0.1:{port}; location / {{ {directives}"
            "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } } }"
        )
        self.run_nginx(folder, port)
        return port

    def test_client_address_comes_from_the_proxy_protocol(self):
        self.start(free_port(), PROXY_TRUSTED_PROXIES="127.0.0.3", PROXY_PROTOCOL="true")
        for source, client in [("127.0.0.3", "203.0.113.7"), ("127.0.0.4", "127.0.0.4")]:
            address = ("127.0.0.1", self.port)
            with socket.create_connection(address, TIMEOUT, source_address=(source, 0)) as stream:
                stream.sendall(b"PROXY TCP4 203.0.113.7 127.0.0.1 4000 443\r\n")
                stream.sendall(b"GET / HTTP/1.0\r\nHost: a\r\nX-Forwarded-For: 203.0.113.1\r\n\r\n")
                self.assertIn(b" 200 OK\r\n", stream.makefile("rb").read())
            self.assertIn(f"X-Forwarded-For: {client}\r\n", self.second.requests.pop())
        # `cargo xtask` checks the readiness without naming a client.
        self.assertEqual(self.status_of("127.0.0.4", "UNKNOWN"), "200")

    def status_of(self, source, client):
        """The status of a request with the PROXY protocol."""
        with socket.create_connection(("127.0.0.1", self.port), TIMEOUT, source_address=(source, 0)) as stream:
            stream.sendall(f"PROXY {client}\r\nGET / HTTP/1.0\r\nHost: a\r\n\r\n".encode())
            return stream.makefile("rb").read().decode().split(" ")[1]

    def test_ipv6_clients_are_limited_by_their_network(self):
        trusted = {"PROXY_TRUSTED_PROXIES": "127.0.0.3", "PROXY_PROTOCOL": "true"}
        self.start(free_port(), PROXY_REQUESTS_PER_SECOND="1", **trusted)

        def status(client):
            return self.status_of("127.0.0.3", f"TCP6 {client} ::1 4000 443")

        # The last byte of this network is a line feed.
        self.assertIn("429", [status(f"2001:db8:0:a::{host}") for host in range(1, 20)])
        for client in ["2001:db8:0:b::1", *(f"::ffff:203.0.113.{host}" for host in range(1, 20))]:
            self.assertEqual(status(client), "200", client)

    def test_stalled_uploads_reach_the_replica_and_are_limited_by_address(self):
        upload = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {1 << 20}\r\n\r\n".encode() + bytes(1 << 18)
        self.start(free_port(), PROXY_CONNECTIONS_PER_ADDRESS="4", PROXY_REQUESTS_PER_SECOND="0")
        self.second.reads_bodies = True

        def stall():
            stream = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
            self.addCleanup(stream.close)
            stream.sendall(upload)
            return stream

        stalled = [stall() for _ in range(4)]
        eventually("the bodies", lambda: sum(map(len, self.second.requests)) >= 4 * (1 << 18))
        response, body = self.ask("GET")
        self.assertEqual((response.status, json.loads(body)["code"]), (429, "too_many_requests"))
        self.assertEqual(response.headers["Content-Type"], "application/problem+json")
        self.assertEqual(response.headers["Retry-After"], "1")
        self.assertEqual(self.ask("GET", source="127.0.0.2")[0].status, 200)
        for stream in stalled:
            stream.close()
        eventually("an end of the limit", lambda: self.ask("GET")[0].status == 200)

    def test_requests_of_an_address_are_limited(self):
        self.start(free_port(), PROXY_REQUESTS_PER_SECOND="1")
        # A burst of five requests is allowed.
        statuses = [self.ask("GET")[0].status for _ in range(20)]
        self.assertEqual(statuses[:6], [200] * 6)
        self.assertIn(429, statuses)
        self.assertEqual(self.ask("GET", source="127.0.0.2")[0].status, 200)

    def test_invalid_settings_are_reported(self):
        names = ["PROXY_TRUSTED_PROXIES", "PROXY_PROTOCOL", "PROXY_MAX_CONNECTIONS", "PROXY_REQUESTS_PER_SECOND"]
        # The last value leaves less than 64 connections for each worker.
        for variable, value in [*((name, "x;") for name in names), ("PROXY_MAX_CONNECTIONS", "63")]:
            command = ["sh", SOURCE / "start.sh", "check"]
            result = subprocess.run(command, env=os.environ | {variable: value}, capture_output=True, text=True)
            self.assertEqual(result.returncode, 1, variable)
            self.assertIn(f"invalid {variable} {value}: expected ", result.stderr)

    def test_compressed_responses_have_a_weak_etag(self):
        self.start(free_port())
        response, _ = self.ask("GET", {"Accept-Encoding": "gzip"})
        self.assertEqual(response.headers["Content-Encoding"], "gzip")
        # The API accepts a weak ETag in If-Match, see tests/e2e/contract/change.rs.
        self.assertEqual(response.headers["ETag"], 'W/"1"')
