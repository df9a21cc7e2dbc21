"""The API with what a platform gives it, and nothing else: docs/platforms.md."""

import json
import re
import signal
import subprocess
import unittest

from monitoring import PATIENCE, PROGRAMS, eventually, fetch, free_port


class Platform(unittest.TestCase):
    """Run by tests/deploy/run."""

    def setUp(self):
        postgres = subprocess.Popen(
            [PROGRAMS / "test-postgres"], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.addCleanup(postgres.communicate, timeout=PATIENCE)
        template = postgres.stdout.readline().strip()
        self.port = free_port()
        # Short: the names of a database's copies go on from its own.
        url = template.removesuffix("template") + "app"
        self.variables = {
            "APP_ENV": "production",
            "PORT": str(self.port),
            "DATABASE_URL": re.sub("^postgres(ql)?:", "postgres:", url),
        }

        # Production makes no database: the platform has.
        development = {**self.variables, "APP_ENV": "dev"}
        command = [PROGRAMS / "migrate", "recreate", "--empty"]
        subprocess.run(command, env=development, check=True, stdout=subprocess.DEVNULL)

    def run_in_it(self, *command):
        """What a command of the image ends with, and what it says."""
        options = {"env": self.variables, "text": True, "timeout": PATIENCE}
        done = subprocess.run(command, capture_output=True, check=False, **options)
        return done.returncode, done.stdout + done.stderr

    def test_it_migrates_listens_on_the_port_logs_lines_and_stops(self):
        code, said = self.run_in_it(PROGRAMS / "migrate", "up")
        self.assertEqual(code, 0, said)
        api = subprocess.Popen([PROGRAMS / "api"], env=self.variables, stderr=subprocess.PIPE, text=True)
        self.addCleanup(api.kill)
        for path in ["/health/live", "/health/ready"]:
            url = f"http://127.0.0.1:{self.port}{path}"
            self.assertEqual(eventually(path, lambda url=url: fetch(url))[0], 200)
        code, said = self.run_in_it(PROGRAMS / "api", "healthcheck")
        self.assertEqual(code, 0, said)
        api.send_signal(signal.SIGTERM)
        _, log = api.communicate(timeout=PATIENCE)
        self.assertEqual(api.returncode, 0, log)
        for line in log.splitlines():
            self.assertIn("level", json.loads(line))
        self.assertIn(f"0.0.0.0:{self.port}", log)
        self.assertNotEqual(self.run_in_it(PROGRAMS / "api", "healthcheck")[0], 0)
