"""The manifests and the chart: they are well-formed, mean what firnd understands, and pass what judges manifests."""

import copy
import os
import re
import subprocess

import pytest
import yaml

from deploy.schema import document_faults
from deploy.tools import tool
from harness.server import REPOSITORY, find_binary

MANIFEST = REPOSITORY / "deploy" / "kubernetes" / "firn.yaml"
CHART = REPOSITORY / "deploy" / "helm" / "firn"
SECRETS = {"rootUser": "firn-test-root", "rootPassword": "firn-test-root-secret", "clusterKey": "0123456789abcdef"}
GIVEN = [f"--set={key}={value}" for key, value in SECRETS.items()]
TLS = ["--set=tls.enabled=true", "--set=tls.certSecret=firn-tls"]
ALL_ON = [*TLS, "--set=ingress.enabled=true", "--set=ingress.hosts[0]=s3.example.com", "--set=replicas=6",
          "--set=drivesPerNode=1", "--set=metrics.public=true", "--set=networkPolicy.allowExternal=false",
          "--set=environment.FIRN_BODY_CACHE=1GiB", "--set=persistence.storageClass=local", "--set=erasure=8+4"]


def render(*flags):
    return subprocess.run([tool("helm"), "template", "store", str(CHART), "--namespace", "storage", "--kube-version", "1.31.0", *flags],
                          capture_output=True, text=True)


def documents_of(text):
    return [document for document in yaml.safe_load_all(text) if document]


def rendered(*flags):
    done = render(*GIVEN, *flags)
    assert done.returncode == 0, done.stderr
    return documents_of(done.stdout)


def manifest():
    return documents_of(MANIFEST.read_text())


VARIANTS = {"manifest": manifest, "chart": rendered, "chart with everything": lambda: rendered(*ALL_ON),
            "chart without volumes": lambda: rendered("--set=persistence.enabled=false")}


# Programs in Go take minutes to build where they are not yet: with the engines.
needs_tools = pytest.mark.engines


@pytest.fixture(params=[name if name == "manifest" else pytest.param(name, marks=needs_tools) for name in VARIANTS])
def documents(request):
    return VARIANTS[request.param]()


def only(documents, kind, fits=lambda document: True):
    (found,) = [document for document in documents if document["kind"] == kind and fits(document)]
    return found


def container(documents):
    (found,) = only(documents, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    return found


def environment(documents):
    """As the container gets it, secrets filled in."""
    return {each["name"]: each.get("value") or SECRETS[each["valueFrom"]["secretKeyRef"]["key"]]
            for each in container(documents)["env"]}


def test_the_objects_are_what_kubernetes_takes(documents):
    assert [fault for document in documents for fault in document_faults(document)] == []


def test_what_is_wrong_would_be_seen():
    for break_it in (lambda pod: pod["containers"][0].update(imagePullPolcy="Always"),
                     lambda pod: pod["containers"][0]["ports"][0].pop("containerPort"),
                     lambda pod: pod.update(terminationGracePeriodSeconds="60")):
        broken = copy.deepcopy(only(manifest(), "StatefulSet"))
        break_it(broken["spec"]["template"]["spec"])
        assert document_faults(broken)


def test_firnd_knows_every_variable_and_forms_a_cluster_of_so_many_nodes(documents):
    given = environment(documents)
    known = subprocess.run([find_binary(), "--help"], capture_output=True, text=True, check=True).stdout
    assert [name for name in given if name not in known] == []
    replicas = only(documents, "StatefulSet")["spec"]["replicas"]
    # It reads everything, and counts the nodes, before it finds that it can't be the last but one of them.
    refused = subprocess.run([find_binary(), "--node-id", str(replicas + 1)], capture_output=True, text=True,
                             env={"PATH": os.environ["PATH"]} | given)
    assert refused.returncode == 2
    assert f"between 1 and {replicas}" in refused.stderr


def test_each_drive_is_a_volume(documents):
    drives = environment(documents)["FIRN_DRIVES"]
    span = re.fullmatch(r"(/data)(?:\{1\.\.\.(\d+)\}|1)", drives)
    paths = [f"/data{i}" for i in range(1, int(span[2] or 1) + 1)]
    mounts = {mount["mountPath"]: mount["name"] for mount in container(documents)["volumeMounts"]
              if mount["mountPath"].startswith("/data")}
    assert sorted(mounts) == sorted(paths)
    stateful = only(documents, "StatefulSet")["spec"]
    volumes = {each["metadata"]["name"] for each in stateful.get("volumeClaimTemplates", [])}
    volumes |= {each["name"] for each in stateful["template"]["spec"].get("volumes", [])}
    assert set(mounts.values()) <= volumes


def test_nodes_find_each_other_by_the_headless_service(documents):
    stateful = only(documents, "StatefulSet")
    name, service = stateful["metadata"]["name"], stateful["spec"]["serviceName"]
    assert re.match(rf"https?://{name}-{{0\.\.\.\d+}}\.{service}[.:]", environment(documents)["FIRN_NODES"])
    headless = only(documents, "Service", lambda each: each["spec"].get("clusterIP") == "None")
    assert headless["metadata"]["name"] == service
    assert headless["spec"]["publishNotReadyAddresses"] is True
    assert stateful["spec"]["podManagementPolicy"] == "Parallel"
    assert {each["port"] for each in headless["spec"]["ports"]} == {9000, 9100, 9200}
    labels = stateful["spec"]["template"]["metadata"]["labels"]
    selectors = [each["spec"]["selector"] for each in documents if each["kind"] == "Service"]
    selectors += [only(documents, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
                  stateful["spec"]["selector"]["matchLabels"]]
    assert all(selector.items() <= labels.items() for selector in selectors)


def test_the_container_may_do_little(documents):
    pod = only(documents, "StatefulSet")["spec"]["template"]["spec"]
    context, inner = pod["securityContext"], container(documents)["securityContext"]
    assert context["runAsNonRoot"] is True and context["runAsUser"] > 10_000
    assert context["seccompProfile"] == {"type": "Localhost", "localhostProfile": "firn.json"}
    assert inner["readOnlyRootFilesystem"] is True and inner["allowPrivilegeEscalation"] is False
    assert inner["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"] is False
    assert {"cpu", "memory"} <= container(documents)["resources"]["requests"].keys()


def test_there_is_time_to_stop(documents):
    pod = only(documents, "StatefulSet")["spec"]["template"]["spec"]
    pause = int(container(documents)["lifecycle"]["preStop"]["exec"]["command"][1])
    grace = int(environment(documents)["FIRN_STOP_GRACE"])
    assert pod["terminationGracePeriodSeconds"] >= pause + grace + 30
    probes = container(documents)
    assert probes["livenessProbe"]["httpGet"]["path"] == "/firn/health/live"
    assert probes["readinessProbe"]["httpGet"]["path"] == "/firn/health/ready"


@needs_tools
def test_the_chart_wants_its_secrets():
    assert "rootUser, rootPassword and clusterKey are needed" in render().stderr
    given = documents_of(render("--set=existingSecret=elsewhere").stdout)
    assert [each for each in given if each["kind"] == "Secret"] == []
    names = {each["valueFrom"]["secretKeyRef"]["name"] for each in container(given)["env"] if "valueFrom" in each}
    assert names == {"elsewhere"}


@needs_tools
def test_tls_of_the_chart_is_for_clients_and_nodes():
    documents = rendered(*TLS)
    given = environment(documents)
    assert given["FIRN_NODES"].startswith("https://")
    assert {given[name] for name in ("FIRN_TLS_CERT", "FIRN_TLS_KEY", "FIRN_PEER_TLS_CA")} == {
        "/etc/firn/tls/tls.crt", "/etc/firn/tls/tls.key", "/etc/firn/tls/ca.crt"}
    assert container(documents)["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"


@needs_tools
def test_the_chart_has_nothing_that_helm_calls_an_error():
    done = subprocess.run([tool("helm"), "lint", "--strict", "--kube-version", "1.31.0", str(CHART), *GIVEN], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@needs_tools
def test_kube_score_finds_nothing_critical(documents, tmp_path):
    judged = [document for document in documents if document["kind"] != "Secret"]
    path = tmp_path / "objects.yaml"
    path.write_text(yaml.safe_dump_all(judged))
    # A limit of CPU would slow a node down while cores are idle; what it may take together is in the requests.
    done = subprocess.run([tool("kube-score"), "score", "--ignore-container-cpu-limit", "--output-format", "ci", str(path)],
                          capture_output=True, text=True)
    assert [line for line in done.stdout.splitlines() if line.startswith("[CRITICAL]")] == []
    assert "[OK]" in done.stdout, done.stderr
