"""Tests the output of `kustomize build` for deploy/kubernetes: valid schemas and the rules of this project."""

import copy
import re
import subprocess
import unittest
from pathlib import Path

import kubernetes_validate
import yaml

ROOT = Path(__file__).resolve().parents[2]
# The oldest supported version of Kubernetes, and the newest version whose schemas are available.
VERSIONS = ["1.30", "1.37"]
USER = 65532
PODS = {"Deployment", "Job"}
REJECTED = (AssertionError, kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError)


def build(folder):
    """Returns the resources of deploy/kubernetes/`folder`."""
    command = ["kustomize", "build", str(ROOT / "deploy/kubernetes" / folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [it for it in yaml.safe_load_all(done.stdout) if it]


def by_name(resources, kind, name=""):
    """Returns the only resource of this kind whose name starts with `name`."""
    found = [it for it in resources if it["kind"] == kind and it["metadata"]["name"].startswith(name)]
    assert len(found) == 1, f"found {len(found)} {kind} resources named {name}"
    return found[0]


def pods(resources):
    """Returns the pod templates of the resources, by kind."""
    return {it["kind"]: it["spec"]["template"] for it in resources if it["kind"] in PODS}


def container(pod):
    """Returns the only container of a pod."""
    (one,) = pod["spec"]["containers"]
    return one


def check(resources):
    """Raises an error for the first problem."""
    for resource in resources:
        for version in VERSIONS:
            kubernetes_validate.validate(resource, version, strict=True)
        name = resource["metadata"]["name"]
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name), f"{name} is not a valid name"
        assert resource["kind"] != "Secret", "secrets must not be committed"
    check_security(resources)
    check_stop(resources)
    check_settings(resources)
    check_links(resources)


def check_security(resources):
    """Checks that pods have only the permissions that they need."""
    for kind, pod in pods(resources).items():
        spec, one = pod["spec"], container(pod)
        assert spec["automountServiceAccountToken"] is False, f"{kind}: must not get a Kubernetes token"
        everywhere = spec["securityContext"]
        assert everywhere["runAsNonRoot"] and everywhere["runAsUser"] == USER, f"{kind}: must not run as root"
        assert everywhere["seccompProfile"] == {"type": "RuntimeDefault"}, f"{kind}: must restrict system calls"
        expected = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert one["securityContext"] == expected, f"{kind}: {one['securityContext']}"
        assert {"cpu", "memory"} <= one["resources"]["limits"].keys(), f"{kind}: limits are missing"
        assert {"cpu", "memory"} <= one["resources"]["requests"].keys(), f"{kind}: requests are missing"
        secrets = [it for it in one["env"] if not it["name"].endswith("_FILE")]
        assert not secrets, f"{kind}: {secrets} must come from files"


def check_stop(resources):
    """Checks that the grace period covers draining, shutdown and the export of traces."""
    settings = by_name(resources, "ConfigMap", "settings")["data"]
    needed = int(settings["API_DRAIN_SECONDS"]) + int(settings["API_SHUTDOWN_SECONDS"]) + 2
    grace = pods(resources)["Deployment"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > needed, f"the grace period is {grace} seconds, but shutdown takes {needed}"


def check_settings(resources):
    """Checks that the API has every setting."""
    known = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    settings = by_name(resources, "ConfigMap", "settings")["data"].keys()
    # .env.example does not list API_LISTEN, because the address inside the container is fixed.
    unknown = settings - known - {"API_LISTEN"}
    assert not unknown, f"unknown settings: {unknown}"


def check_links(resources):
    """Checks the references between resources."""
    made = pods(resources)
    images = {container(pod)["image"] for pod in made.values()}
    assert len(images) == 1, f"the migration and the API have different images: {images}"
    settings = by_name(resources, "ConfigMap", "settings")["metadata"]["name"]
    for pod in made.values():
        assert container(pod)["envFrom"] == [{"configMapRef": {"name": settings}}], "wrong settings"
        mounts = {it["name"]: it["mountPath"] for it in container(pod)["volumeMounts"]}
        assert {it["name"] for it in pod["spec"]["volumes"]} == mounts.keys(), "volumes and mounts differ"
        for variable in container(pod)["env"]:
            folder = variable["value"].rpartition("/")[0]
            assert folder in mounts.values(), f"{variable} is not in a volume"
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
    assert port["targetPort"] in ports, f"{port} has no target"
    probes = [container(api)[it]["httpGet"] for it in ("livenessProbe", "readinessProbe")]
    assert probes == [
        {"path": "/health/live", "port": "http"},
        {"path": "/health/ready", "port": "http"},
    ], probes
    target = by_name(resources, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target["name"] == deployment["metadata"]["name"], f"{target} is not the deployment"
    assert "replicas" not in deployment["spec"], "`kubectl apply` would override the autoscaler"
    (rule,) = by_name(resources, "Ingress")["spec"]["rules"]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": service["metadata"]["name"], "port": {"name": port["name"]}}, backend


class Manifests(unittest.TestCase):
    """Run by tests/deploy/run."""

    def test_base_and_example_are_valid(self):
        for folder in ["base", "example"]:
            with self.subTest(folder):
                check(build(folder))

    def test_example_sets_image_host_and_namespace(self):
        resources = build("example")
        image = container(pods(resources)["Job"])["image"]
        self.assertRegex(image, r"^registry\.example\.com/.+:[0-9.]+$")
        ingress = by_name(resources, "Ingress")["spec"]
        self.assertEqual(ingress["tls"][0]["hosts"], [ingress["rules"][0]["host"]])
        self.assertEqual({it["metadata"]["namespace"] for it in resources}, {"example"})

    def test_mistakes_are_found(self):
        def api(resources):
            return by_name(resources, "Deployment")["spec"]["template"]["spec"]

        mistakes = {
            "an unknown field": lambda it: api(it)["containers"][0].update(imagePull="x"),
            "a string instead of a number": lambda it: api(it).update(terminationGracePeriodSeconds="45"),
            "an old API version": lambda it: by_name(it, "Ingress").update(apiVersion="extensions/v1beta1"),
            "the root user": lambda it: api(it)["securityContext"].update(runAsUser=0),
            "a writable file system": lambda it: api(it)["containers"][0]["securityContext"].update(
                readOnlyRootFilesystem=False
            ),
            "a short grace period": lambda it: api(it).update(terminationGracePeriodSeconds=41),
            "a wrong probe path": lambda it: api(it)["containers"][0]["readinessProbe"]["httpGet"].update(
                path="/health"
            ),
            "different images": lambda it: api(it)["containers"][0].update(image="slipway:old"),
            "an unknown port": lambda it: by_name(it, "Service", "api")["spec"]["ports"][0].update(
                targetPort="web"
            ),
            "a misspelt setting": lambda it: by_name(it, "ConfigMap")["data"].update(API_DRAIN="1"),
            "a secret in the environment": lambda it: api(it)["containers"][0]["env"].append(
                {"name": "DATABASE_URL", "value": "postgresql://x"}
            ),
            "a selector without pods": lambda it: by_name(it, "Service", "api")["spec"].update(selector={"a": "b"}),
        }
        valid = build("base")
        for mistake, make in mistakes.items():
            with self.subTest(mistake):
                resources = copy.deepcopy(valid)
                make(resources)
                with self.assertRaises(REJECTED):
                    check(resources)
