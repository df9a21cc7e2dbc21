"""Tests the API with only the environment that a platform provides: docs/platforms.md."""

import json
import re
import signal
import subprocess
import unittest

from monitoring import TIMEOUT, PROGRAMS, eventually, fetch, free_port


class Platform(unittest.TestCase):
    """Run by tests/deploy/run."""

    def setUp(self):
        postgres = subprocess.Popen(
            [PROGRAMS / "test-postgres"], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.addCleanup(postgres.communicate, timeout=TIMEOUT)
        template = postgres.stdout.readline().strip()
        self.port = free_port()
        # The name is short, because the names of copies have a suffix and a maximum length.
        url = template.removesuffix("template") + "app"
        self.variables = {
            "APP_ENV": "production",
            "PORT": str(self.port),
            "DATABASE_URL": re.sub("^postgres(ql)?:", "postgres:", url),
        }

        # Creates the database with the profile dev, because in production the hosting platform creates it.
        development = {**self.variables, "APP_ENV": "dev"}
        command = [PROGRAMS / "migrate", "recreate", "--empty"]
        subprocess.run(command, env=development, check=True, stdout=subprocess.DEVNULL)

    def run_program(self, *command):
        """Runs a program of the image. Returns its exit code and output."""
        options = {"env": self.variables, "text": True, "timeout": TIMEOUT}
        done = subprocess.run(command, capture_output=True, check=False, **options)
        return done.returncode, done.stdout + done.stderr

    def test_api_migrates_serves_on_port_logs_json_and_stops(self):
        code, output = self.run_program(PROGRAMS / "migrate", "up")
        self.assertEqual(code, 0, output)
        api = subprocess.Popen([PROGRAMS / "api"], env=self.variables, stderr=subprocess.PIPE, text=True)
        self.addCleanup(api.kill)
        for path in ["/health/live", "/health/ready"]:
            url = f"http://127.0.0.1:{self.port}{path}"
            self.assertEqual(eventually(path, lambda url=url: fetch(url))[0], 200)
        code, output = self.run_program(PROGRAMS / "api", "healthcheck")
        self.assertEqual(code, 0, output)
        api.send_signal(signal.SIGTERM)
        _, log = api.communicate(timeout=TIMEOUT)
        self.assertEqual(api.returncode, 0, log)
        for line in log.splitlines():
            self.assertIn("level", json.loads(line))
        self.assertIn(f"0.0.0.0:{self.port}", log)
        self.assertNotEqual(self.run_program(PROGRAMS / "api", "healthcheck")[0], 0)
