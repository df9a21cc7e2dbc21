"""A real Prometheus and its promtool read deploy/prometheus and deploy/grafana, with a real API to scrape."""

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
# What Grafana would put in, when each second is looked at.
VARIABLES = {"$__rate_interval": "10s", "$instance": ".*"}
PATIENCE = 60


def promtool(*arguments):
    """Runs promtool, which must find nothing wrong."""
    command = ["promtool", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr


def alerts():
    """Every alert."""
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_queries():
    """Every query of the dashboard, by what it shows."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return {f"{it['title']} {target['refId']}": target["expr"] for it in panels for target in it["targets"]}


def anchors(page):
    """What a link can lead to in a page, as GitHub makes it of titles."""
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


def free_port():
    """A port that nobody has just now."""
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def fetch(url, data=None):
    """The status of an answer, and its text."""
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def eventually(what, ask):
    """What `ask` gives as soon as it gives something."""
    deadline, found = time.monotonic() + PATIENCE, None
    while not found:
        assert time.monotonic() < deadline, f"in {PATIENCE} seconds: no {what}"
        time.sleep(0.1)
        try:
            found = ask()
        except (urllib.error.URLError, ConnectionError):
            pass
    return found


class Files(unittest.TestCase):
    """What promtool says of the files."""

    def test_configuration_and_rules_are_sound(self):
        promtool("check", "config", FOLDER / "prometheus.yaml")
        promtool("check", "rules", FOLDER / "alerts.yaml")

    def test_each_alert_fires_when_it_should_and_none_at_a_quiet_server(self):
        promtool("test", "rules", FOLDER / "alerts-test.yaml")
        tests = (FOLDER / "alerts-test.yaml").read_text()
        for alert in alerts():
            self.assertIn(f"alertname: {alert['alert']}\n", tests)

    def test_each_alert_leads_to_a_chapter_of_the_runbook(self):
        for alert in alerts():
            page, _, anchor = alert["annotations"]["runbook"].partition("#")
            self.assertIn(anchor, anchors((ROOT / page).read_text()), alert["alert"])
            self.assertIn(alert["labels"]["severity"], {"page", "ticket"})


class Scraped(unittest.TestCase):
    """What Prometheus knows of an API that works."""

    @classmethod
    def setUpClass(cls):
        # What is started last ends first.
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
        """A program of ours, that lasts as long as this class."""
        command = program if isinstance(program, list) else [PROGRAMS / program]
        process = subprocess.Popen(command, text=True, **options)

        def end():
            if process.stdin:
                process.stdin.close()
            else:
                process.terminate()
            process.wait(PATIENCE)
            if process.stdout:
                process.stdout.close()

        cls.addClassCleanup(end)
        return process

    @classmethod
    def start_prometheus(cls, metrics):
        """With the real configuration, but for where the API is and how often it is asked."""
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
        """What the API of Prometheus answers."""
        url = f"http://127.0.0.1:{self.prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        status, text = fetch(url)
        if status == 503:
            return None
        self.assertEqual(status, 200, f"{parameters}: {text}")
        return json.loads(text)["data"]

    def query(self, expression):
        """The series that a query finds now."""
        answer = self.ask("query", query=expression)
        return answer and [it for it in answer["result"] if it["value"][1] != "NaN"]

    def use(self):
        """Some requests of each kind, as a service has them all the time."""
        login = {"email": "member@example.com", "password": "for development only"}
        for path, body in [
            ("/health/ready", None),
            ("/persons", None),
            ("/nowhere", None),
            ("/sessions", json.dumps(login).encode()),
        ]:
            fetch(self.api + path, body)

    def found(self, expression):
        """What a query finds while the API is in use."""
        self.use()
        return self.query(expression)

    def test_every_query_of_the_dashboard_finds_something(self):
        for title, query in dashboard_queries().items():
            for variable, value in VARIABLES.items():
                query = query.replace(variable, value)
            self.assertNotIn("$", query)
            with self.subTest(title):
                eventually(f"data for {query}", lambda query=query: self.found(query))

    def test_every_metric_of_an_alert_is_one_that_is_scraped(self):
        for alert in alerts():
            names = re.findall(r"\b([a-z_]+)\{", alert["expr"])
            self.assertTrue(names, alert["expr"])
            for name in names:
                with self.subTest(f"{alert['alert']}: {name}"):
                    eventually(name, lambda name=name: self.found(f'{name}{{job="api"}}'))

    def test_every_rule_is_evaluated_without_an_error_and_none_fires(self):
        def evaluated():
            self.use()
            answer = self.ask("rules")
            rules = [rule for group in (answer or {}).get("groups", []) for rule in group["rules"]]
            return rules if rules and all(it["health"] != "unknown" for it in rules) else None

        for rule in eventually("rules", evaluated):
            self.assertEqual((rule["health"], rule.get("lastError")), ("ok", None), rule["name"])
            self.assertNotEqual(rule["state"], "firing", rule["name"])
