"""Tests deploy/prometheus and deploy/grafana with a real Prometheus that scrapes a real API."""

import json
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/prometheus"
DASHBOARD = ROOT / "deploy/grafana/dashboard.json"
PROGRAMS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
# Replaces Grafana's variables in the queries with values.
VARIABLES = {"$__rate_interval": "10s", "$instance": ".*"}
TIMEOUT = 60


def promtool(*arguments):
    """Runs promtool, which must succeed."""
    command = ["promtool", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr


def alerts():
    """Returns all alerts."""
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_queries():
    """Returns all queries of the dashboard by panel title."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return {f"{it['title']} {target['refId']}": target["expr"] for it in panels for target in it["targets"]}


def anchors(page):
    """Returns the anchors that GitHub creates for the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


def free_port():
    """Returns an unused port."""
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def fetch(url, data=None):
    """Returns the status and text of a response."""
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def eventually(what, ask):
    """Waits until `ask` returns a value, and returns the value."""
    deadline, found = time.monotonic() + TIMEOUT, None
    while not found:
        assert time.monotonic() < deadline, f"timed out after {TIMEOUT} seconds: no {what}"
        time.sleep(0.1)
        try:
            found = ask()
        except (urllib.error.URLError, ConnectionError):
            pass
    return found


class Files(unittest.TestCase):
    """Checks the files with promtool."""

    def test_configuration_and_rules_are_valid(self):
        promtool("check", "config", FOLDER / "prometheus.yaml")
        promtool("check", "rules", FOLDER / "alerts.yaml")

    def test_each_alert_has_a_passing_test(self):
        promtool("test", "rules", FOLDER / "alerts-test.yaml")
        tests = (FOLDER / "alerts-test.yaml").read_text()
        for alert in alerts():
            self.assertIn(f"alertname: {alert['alert']}\n", tests)

    def test_each_alert_links_to_a_section_of_the_runbook(self):
        for alert in alerts():
            page, _, anchor = alert["annotations"]["runbook"].partition("#")
            self.assertIn(anchor, anchors((ROOT / page).read_text()), alert["alert"])
            self.assertIn(alert["labels"]["severity"], {"page", "ticket"})


class Scraped(unittest.TestCase):
    """Checks the metrics that Prometheus scrapes from a running API."""

    @classmethod
    def setUpClass(cls):
        # The folder is created first, because it must be deleted after all processes have stopped.
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        postgres = cls.start("test-postgres", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        template = postgres.stdout.readline().strip()
        assert template.startswith("postgres"), template
        metrics, cls.prometheus = free_port(), free_port()
        variables = {
            "DATABASE_URL": template.removesuffix("template") + "monitoring",
            "API_LISTEN": "127.0.0.1:0",
            "API_ADMIN_LISTEN": f"127.0.0.1:{metrics}",
        }
        environment = {**os.environ, **variables}
        subprocess.run([PROGRAMS / "migrate", "up", "--seed"], env=environment, check=True, stdout=subprocess.DEVNULL)
        log = cls.folder / "api.log"
        with log.open("w") as file:
            cls.start("api", env=environment, stderr=file)
        address = eventually("address", lambda: re.search(r"127\.0\.0\.1:\d+", log.read_text()))
        cls.api = f"http://{address[0]}"
        cls.start_prometheus(metrics)

    @classmethod
    def start(cls, program, **options):
        """Starts a program that is stopped after the tests of this class."""
        command = program if isinstance(program, list) else [PROGRAMS / program]
        process = subprocess.Popen(command, text=True, **options)

        def end():
            if process.stdin:
                process.stdin.close()
            else:
                process.terminate()
            process.wait(TIMEOUT)
            if process.stdout:
                process.stdout.close()

        cls.addClassCleanup(end)
        return process

    @classmethod
    def start_prometheus(cls, metrics):
        """Starts Prometheus with the real configuration, except for the API's address and the intervals."""
        configuration = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
        configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        configuration["rule_files"] = [str(FOLDER / "alerts.yaml")]
        (job,) = configuration["scrape_configs"]
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{metrics}"]}]
        file = cls.folder / "prometheus.yaml"
        file.write_text(yaml.safe_dump(configuration))
        options = [
            f"--config.file={file}",
            f"--storage.tsdb.path={cls.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{cls.prometheus}",
            "--log.level=warn",
        ]
        cls.start(["prometheus", *options])

    def ask(self, path, **parameters):
        """Returns the data of a request to the API of Prometheus, or None while it starts."""
        url = f"http://127.0.0.1:{self.prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        status, text = fetch(url)
        if status == 503:
            return None
        self.assertEqual(status, 200, f"{parameters}: {text}")
        return json.loads(text)["data"]

    def query(self, expression):
        """Returns the current series of a query."""
        data = self.ask("query", query=expression)
        return data and [it for it in data["result"] if it["value"][1] != "NaN"]

    def use(self):
        """Sends a request of each kind."""
        login = {"email": "member@example.com", "password": "for development only"}
        for path, body in [
            ("/health/ready", None),
            ("/persons", None),
            ("/nowhere", None),
            ("/sessions", json.dumps(login).encode()),
        ]:
            fetch(self.api + path, body)

    def found(self, expression):
        """Sends requests, and returns the current series of a query."""
        self.use()
        return self.query(expression)

    def test_every_query_of_the_dashboard_returns_data(self):
        for title, query in dashboard_queries().items():
            for variable, value in VARIABLES.items():
                query = query.replace(variable, value)
            self.assertNotIn("$", query)
            with self.subTest(title):
                eventually(f"data for {query}", lambda query=query: self.found(query))

    def test_every_metric_of_an_alert_is_scraped(self):
        for alert in alerts():
            names = re.findall(r"\b([a-z_]+)\{", alert["expr"])
            self.assertTrue(names, alert["expr"])
            for name in names:
                with self.subTest(f"{alert['alert']}: {name}"):
                    eventually(name, lambda name=name: self.found(f'{name}{{job="api"}}'))

    def test_no_rule_fails_or_fires(self):
        def evaluated():
            self.use()
            data = self.ask("rules")
            rules = [rule for group in (data or {}).get("groups", []) for rule in group["rules"]]
            return rules if rules and all(it["health"] != "unknown" for it in rules) else None

        for rule in eventually("rules", evaluated):
            self.assertEqual((rule["health"], rule.get("lastError")), ("ok", None), rule["name"])
            self.assertNotEqual(rule["state"], "firing", rule["name"])
