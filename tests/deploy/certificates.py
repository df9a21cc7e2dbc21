"""Tests the command of docs/runbook.md that shows the expiry date of a certificate."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from monitoring import TIMEOUT, ROOT, free_port


class Certificate(unittest.TestCase):
    """Run by tests/deploy/run."""

    def test_the_runbook_shows_when_it_expires(self):
        page = (ROOT / "docs/runbook.md").read_text()
        (line,) = re.findall(r"^\$ (openssl s_client .*)$", page, re.MULTILINE)
        folder, port = Path(self.enterContext(tempfile.TemporaryDirectory())), free_port()
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3 -subj /CN=localhost"
        command = [*new.split(), "-keyout", key, "-out", certificate]
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT)
        command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate, "-key", key]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(server.communicate)
        self.addCleanup(server.terminate)
        while b"ACCEPT" not in server.stdout.readline():
            self.assertIsNone(server.poll())
        line = line.replace("api.example.com:443", f"127.0.0.1:{port}")
        shown = subprocess.run(line, shell=True, capture_output=True, text=True, check=False, timeout=TIMEOUT)
        command = ["openssl", "x509", "-noout", "-enddate", "-in", certificate]
        expected = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT).stdout
        self.assertEqual(shown.stdout, expected, shown.stderr)
