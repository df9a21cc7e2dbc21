"""What `kustomize build` makes of deploy/kubernetes: valid by the official schemas, and as the house wants it."""

import copy
import re
import subprocess
import unittest
from pathlib import Path

import kubernetes_validate
import yaml

ROOT = Path(__file__).resolve().parents[2]
# The oldest that somebody may still run, and the newest that the schemas are here of.
VERSIONS = ["1.30", "1.37"]
USER = 65532
PODS = {"Deployment", "Job"}
REFUSED = (AssertionError, kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError)


def build(folder):
    """The resources of deploy/kubernetes/`folder`."""
    command = ["kustomize", "build", str(ROOT / "deploy/kubernetes" / folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [it for it in yaml.safe_load_all(done.stdout) if it]


def by_name(resources, kind, name=""):
    """The one resource of this kind whose name begins so."""
    found = [it for it in resources if it["kind"] == kind and it["metadata"]["name"].startswith(name)]
    assert len(found) == 1, f"{len(found)} {kind} {name}"
    return found[0]


def pods(resources):
    """The pods that these make, by their makers' kinds."""
    return {it["kind"]: it["spec"]["template"] for it in resources if it["kind"] in PODS}


def container(pod):
    """The only container of a pod."""
    (one,) = pod["spec"]["containers"]
    return one


def check(resources):
    """Fails with the first thing that is wrong."""
    for resource in resources:
        for version in VERSIONS:
            kubernetes_validate.validate(resource, version, strict=True)
        name = resource["metadata"]["name"]
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name), f"{name} is no name"
        assert resource["kind"] != "Secret", "a secret is nothing to commit"
    check_security(resources)
    check_stop(resources)
    check_settings(resources)
    check_links(resources)


def check_security(resources):
    """Every pod may do nothing that it need not do."""
    for kind, pod in pods(resources).items():
        spec, one = pod["spec"], container(pod)
        assert spec["automountServiceAccountToken"] is False, f"{kind}: a token for Kubernetes"
        everywhere = spec["securityContext"]
        assert everywhere["runAsNonRoot"] and everywhere["runAsUser"] == USER, f"{kind}: root"
        assert everywhere["seccompProfile"] == {"type": "RuntimeDefault"}, f"{kind}: every system call"
        expected = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert one["securityContext"] == expected, f"{kind}: {one['securityContext']}"
        assert {"cpu", "memory"} <= one["resources"]["limits"].keys(), f"{kind}: no limits"
        assert {"cpu", "memory"} <= one["resources"]["requests"].keys(), f"{kind}: no requests"
        secrets = [it for it in one["env"] if not it["name"].endswith("_FILE")]
        assert not secrets, f"{kind}: {secrets} shows in the environment"


def check_stop(resources):
    """A pod that goes away has the time to serve on, to end its requests and to send its traces."""
    settings = by_name(resources, "ConfigMap", "settings")["data"]
    needed = int(settings["API_DRAIN_SECONDS"]) + int(settings["API_SHUTDOWN_SECONDS"]) + 2
    grace = pods(resources)["Deployment"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > needed, f"killed after {grace} seconds, and needs {needed}"


def check_settings(resources):
    """Every setting is one that the API has."""
    known = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    settings = by_name(resources, "ConfigMap", "settings")["data"].keys()
    # Where a container listens is nothing to choose for a person.
    unknown = settings - known - {"API_LISTEN"}
    assert not unknown, f"no setting: {unknown}"


def check_links(resources):
    """What names another part finds it."""
    made = pods(resources)
    images = {container(pod)["image"] for pod in made.values()}
    assert len(images) == 1, f"the migration is of another version than the API: {images}"
    settings = by_name(resources, "ConfigMap", "settings")["metadata"]["name"]
    for pod in made.values():
        assert container(pod)["envFrom"] == [{"configMapRef": {"name": settings}}], "other settings"
        mounts = {it["name"]: it["mountPath"] for it in container(pod)["volumeMounts"]}
        assert {it["name"] for it in pod["spec"]["volumes"]} == mounts.keys(), "a volume of no use"
        for variable in container(pod)["env"]:
            folder = variable["value"].rpartition("/")[0]
            assert folder in mounts.values(), f"{variable} is a file of no volume"
    api = made["Deployment"]
    deployment, service = by_name(resources, "Deployment"), by_name(resources, "Service", "api")
    labels = api["metadata"]["labels"].items()
    budget = by_name(resources, "PodDisruptionBudget")
    for selector in [
        deployment["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        budget["spec"]["selector"]["matchLabels"],
    ]:
        assert selector.items() <= labels, f"{selector} selects nothing"
    ports = {it["name"]: it["containerPort"] for it in container(api)["ports"]}
    (port,) = service["spec"]["ports"]
    assert port["targetPort"] in ports, f"{port} leads nowhere"
    probes = [container(api)[it]["httpGet"] for it in ("livenessProbe", "readinessProbe")]
    assert probes == [
        {"path": "/health/live", "port": "http"},
        {"path": "/health/ready", "port": "http"},
    ], probes
    target = by_name(resources, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target["name"] == deployment["metadata"]["name"], f"{target} is not there to be scaled"
    assert "replicas" not in deployment["spec"], "an apply would undo what the autoscaler did"
    (rule,) = by_name(resources, "Ingress")["spec"]["rules"]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": service["metadata"]["name"], "port": {"name": port["name"]}}, backend


class Manifests(unittest.TestCase):
    """Run by tests/deploy/run."""

    def test_the_base_and_the_example_are_sound(self):
        for folder in ["base", "example"]:
            with self.subTest(folder):
                check(build(folder))

    def test_the_example_says_image_host_and_numbers(self):
        resources = build("example")
        image = container(pods(resources)["Job"])["image"]
        self.assertRegex(image, r"^registry\.example\.com/.+:[0-9.]+$")
        ingress = by_name(resources, "Ingress")["spec"]
        self.assertEqual(ingress["tls"][0]["hosts"], [ingress["rules"][0]["host"]])
        self.assertEqual({it["metadata"]["namespace"] for it in resources}, {"example"})

    def test_a_mistake_is_found(self):
        def api(resources):
            return by_name(resources, "Deployment")["spec"]["template"]["spec"]

        mistakes = {
            "a word that Kubernetes does not know": lambda it: api(it)["containers"][0].update(imagePull="x"),
            "a number that is a text": lambda it: api(it).update(terminationGracePeriodSeconds="45"),
            "an old version": lambda it: by_name(it, "Ingress").update(apiVersion="extensions/v1beta1"),
            "a user that is root": lambda it: api(it)["securityContext"].update(runAsUser=0),
            "a disk that can be written": lambda it: api(it)["containers"][0]["securityContext"].update(
                readOnlyRootFilesystem=False
            ),
            "too little time to stop": lambda it: api(it).update(terminationGracePeriodSeconds=41),
            "a probe at another path": lambda it: api(it)["containers"][0]["readinessProbe"]["httpGet"].update(
                path="/health"
            ),
            "two versions": lambda it: api(it)["containers"][0].update(image="slipway:old"),
            "a port that is none": lambda it: by_name(it, "Service", "api")["spec"]["ports"][0].update(
                targetPort="web"
            ),
            "a setting with a slip": lambda it: by_name(it, "ConfigMap")["data"].update(API_DRAIN="1"),
            "a secret in the environment": lambda it: api(it)["containers"][0]["env"].append(
                {"name": "DATABASE_URL", "value": "postgresql://x"}
            ),
            "a selector of nothing": lambda it: by_name(it, "Service", "api")["spec"].update(selector={"a": "b"}),
        }
        sound = build("base")
        for what, make in mistakes.items():
            with self.subTest(what):
                resources = copy.deepcopy(sound)
                make(resources)
                with self.assertRaises(REFUSED):
                    check(resources)
