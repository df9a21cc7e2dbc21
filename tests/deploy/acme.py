"""docker/nginx/certificates.sh with lego, the ACME server pebble, and a real nginx that serves the certificate."""

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from monitoring import ROOT, TIMEOUT, eventually, free_port

SOURCE = ROOT / "docker/nginx"
DOMAIN = "api.example.com"
# Short, so that the test sees renewals.
LIFETIME_SECONDS = 15
# Directives that need a DNS server or a newer nginx than Debian has.
OMITTED = r"^ +(resolver\w*|keepalive_min_timeout|http2|ssl_certificate_cache) [^;]*;\n"


def unverified():
    """The settings of a TLS client that accepts every certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Acme(unittest.TestCase):
    """Run by tests/deploy/run."""

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        # The worker processes of nginx run as another user if nginx runs as root.
        self.folder.chmod(0o755)
        self.http, self.https, self.acme = free_port(), free_port(), free_port()
        (self.folder / "certificates").mkdir()
        (self.folder / "secrets").mkdir()
        self.self_sign(self.folder / "secrets/tls_certificate", self.folder / "secrets/tls_key", "placeholder")
        self.self_sign(self.folder / "acme.pem", self.folder / "acme-key.pem", "localhost")

    def self_sign(self, certificate, key, name):
        """Creates a self-signed certificate."""
        new = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3 -subj /CN={name}"
        command = [*new.split(), "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", certificate]
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT)

    def start(self, *command, log, **environment):
        """Starts a program that ends after the test, and writes its output to a file."""
        with (self.folder / log).open("a") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | environment)
        self.addCleanup(process.wait, timeout=TIMEOUT)
        self.addCleanup(process.terminate)
        return process

    def start_authority(self):
        """Starts pebble, and returns its DNS server."""
        self.dns = free_port()
        dns = self.start_dns()
        settings = {
            "listenAddress": f"127.0.0.1:{self.acme}",
            "managementListenAddress": f"127.0.0.1:{free_port()}",
            "certificate": str(self.folder / "acme.pem"),
            "privateKey": str(self.folder / "acme-key.pem"),
            "httpPort": self.http,
            "tlsPort": self.https,
            "profiles": {"default": {"description": "short", "validityPeriod": LIFETIME_SECONDS}},
            "certificateValidityPeriod": LIFETIME_SECONDS,
        }
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        command = ["pebble", "-config", self.folder / "pebble.json", "-dnsserver", f"127.0.0.1:{self.dns}"]
        self.start(*command, log="pebble.log", PEBBLE_VA_NOSLEEP="1", PEBBLE_AUTHZREUSE="0")
        eventually("pebble", lambda: socket.create_connection(("127.0.0.1", self.acme)).close() or True)
        return dns

    def start_dns(self):
        """Starts a DNS server that resolves every name to this machine."""
        management = f"127.0.0.1:{free_port()}"
        command = ["pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-management", management]
        unused = ["-http01", "", "-https01", "", "-tlsalpn01", ""]
        return self.start(*command, "-dns01", f"127.0.0.1:{self.dns}", *unused, log="dns.log")

    def start_nginx(self):
        """Starts nginx with the configuration of the proxy. It serves no API."""
        script = (SOURCE / "start.sh").read_text().partition("printf 'server api")[0]
        subprocess.run(["sh", "-c", self.moved(script)], env=os.environ | {"ACME_DOMAIN": DOMAIN}, check=True)
        text = re.sub(OMITTED, "", (self.folder / "nginx.conf").read_text(), flags=re.MULTILINE)
        text = text.replace("listen 8443", f"listen 127.0.0.1:{self.https}")
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self.http}")
        text = text.replace("listen 8081", f"listen 127.0.0.1:{free_port()}")
        text = text.replace("worker_rlimit_nofile 65536;", "daemon off;" + ("user root;" if os.getuid() == 0 else ""))
        (self.folder / "nginx.conf").write_text(self.moved(text))
        (self.folder / "mime.types").write_text("types {}")
        (self.folder / "replicas.conf").write_text(f"server 127.0.0.1:{free_port()};\n")
        self.start("nginx", "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log", log="nginx.log")
        eventually("nginx", lambda: socket.create_connection(("127.0.0.1", self.https)).close() or True)

    def moved(self, text):
        """Replaces the folders of the container."""
        folders = {"/run/nginx": "", "/etc/slipway": SOURCE, "/run/secrets": "secrets", "/certificates": "certificates"}
        for folder, place in folders.items():
            text = text.replace(f"{folder}/", f"{self.folder / place}/")
        return text.replace("/etc/nginx/mime.types", f"{self.folder}/mime.types")

    def run_script(self, command, **environment):
        """Returns the environment and the command line of certificates.sh."""
        variables = {
            "ACME_DOMAIN": DOMAIN,
            "ACME_EMAIL": "admin@example.com",
            "ACME_DIRECTORY": f"https://localhost:{self.acme}/dir",
            "CERTIFICATES_FOLDER": str(self.folder / "certificates"),
            "LEGO_CA_CERTIFICATES": str(self.folder / "acme.pem"),
        }
        return ["sh", SOURCE / "certificates.sh", command], variables | environment

    def served(self):
        """The serial number and the issuer of the certificate that nginx sends, over a new connection."""
        with socket.create_connection(("127.0.0.1", self.https), TIMEOUT) as stream:
            with unverified().wrap_socket(stream, server_hostname=DOMAIN) as tls:
                der = tls.getpeercert(binary_form=True)
        show = ["openssl", "x509", "-inform", "der", "-noout", "-serial", "-issuer"]
        return subprocess.run(show, input=der, capture_output=True, check=True, timeout=TIMEOUT).stdout.decode()

    def request(self, connection):
        """Sends a request that nginx does not pass to the API."""
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        response.read()
        self.assertEqual(response.status, 404)

    def check(self):
        """The result of the health check of the service."""
        command, environment = self.run_script("check")
        return subprocess.run(
            command, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
        )

    def log(self):
        """The log of certificates.sh."""
        return (self.folder / "script.log").read_text()

    def test_a_certificate_is_issued_and_renewed_while_connections_stay_open(self):
        dns = self.start_authority()
        self.start_nginx()
        first = self.served()
        self.assertIn("placeholder", first)
        context = unverified()
        connection = http.client.HTTPSConnection("127.0.0.1", self.https, timeout=TIMEOUT, context=context)
        self.addCleanup(connection.close)
        self.request(connection)
        stream = connection.sock

        command, environment = self.run_script("serve")
        service = self.start(*command, log="script.log", **environment)
        issued = eventually("certificate", lambda: (now := self.served()) != first and now)
        self.assertIn("Pebble", issued, self.log())
        self.assertEqual(self.check().returncode, 0)
        renewed = eventually("renewal", lambda: (now := self.served()) != issued and now)
        self.assertIn("Pebble", renewed, self.log())
        self.request(connection)
        self.assertIs(connection.sock, stream, "the connection was closed")

        # If the authority cannot verify the domain, the last certificate is served, and the health check shows why.
        dns.terminate()
        dns.wait(TIMEOUT)
        eventually("failure", lambda: self.check().returncode == 1)
        self.assertIn(DOMAIN, self.check().stdout)
        self.assertIn("the next attempt is in 60 seconds", self.log())
        self.assertIn("Pebble", self.served())

        # A restart of the service tries again at once.
        service.terminate()
        self.assertEqual(service.wait(TIMEOUT), 0)
        last = self.served()
        self.start_dns()
        self.start(*command, log="script.log", **environment)
        eventually("recovery", lambda: self.served() != last and self.check().returncode == 0)

    def test_https_is_required(self):
        self.start_nginx()
        for scheme, port, header in [("https", self.https, "max-age=31536000"), ("http", self.http, None)]:
            # No replica responds, so nginx responds itself.
            url = f"{scheme}://127.0.0.1:{port}/health/ready"
            with self.assertRaises(urllib.error.HTTPError) as raised:
                urllib.request.urlopen(url, timeout=TIMEOUT, context=unverified() if header else None)
            self.assertEqual(raised.exception.code, 502)
            self.assertEqual(raised.exception.headers["Strict-Transport-Security"], header)

    def test_requests_other_than_challenges_are_redirected(self):
        self.start_nginx()
        challenges = self.folder / "certificates/challenges/.well-known/acme-challenge"
        challenges.mkdir(parents=True)
        (challenges / "token").write_text("response")
        url = f"http://127.0.0.1:{self.http}/.well-known/acme-challenge/"
        with urllib.request.urlopen(f"{url}token", timeout=TIMEOUT) as response:
            self.assertEqual(response.read(), b"response")
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(f"{url}unknown", timeout=TIMEOUT)
        self.assertEqual(raised.exception.code, 404)
