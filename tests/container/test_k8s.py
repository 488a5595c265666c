"""docker/k8s: each manifest keeps to the Kubernetes schema, and runs under podman."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from engines import Container, Engine, ensure_base
from support import REPO, eventually

MANIFESTS = {file.stem: file for file in sorted((REPO / "docker" / "k8s").glob("*.yaml"))}
SCHEMA = "1.34"
KEEP_INIT_CONTAINER = "io.podman.annotations.init.container.type"


@pytest.mark.parametrize("name", MANIFESTS)
def test_schema(name: str) -> None:
    kubernetes_validate.validate(yaml.safe_load(MANIFESTS[name].read_text()), SCHEMA, strict=True)


def test_the_schema_finds_a_mistake() -> None:
    manifest = yaml.safe_load(MANIFESTS["entrypoint"].read_text())
    manifest["spec"]["terminationGracePeriod"] = 30
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, SCHEMA, strict=True)


@pytest.fixture
def services(podman: Engine) -> None:
    """Give the base image the name that the manifests use."""
    podman("tag", ensure_base(podman, "services"), "reaper-test/services:latest")


@contextmanager
def played(podman: Engine, file: Path, container: str) -> Iterator[Container]:
    """Run a manifest. Yields the container of the pod that has this name."""
    try:
        podman("play", "kube", str(file))
        with Container(podman, f"{file.stem}-{container}") as found:
            yield found
    finally:
        podman("play", "kube", "--down", str(file), check=False)


def test_entrypoint(podman: Engine) -> None:
    with played(podman, MANIFESTS["entrypoint"], "web") as web:
        podman("pod", "stop", "-t", "60", "entrypoint")
        assert web.wait() == 143
        assert "PID 1 of its namespace" in web.log()


def test_init_container(podman: Engine, services: None, tmp_path: Path) -> None:
    """Podman 4.3 would remove the init container, which sometimes fails; so the test keeps it.

    Podman also restarts an init container each time it ends, as it does the others; so the policy
    is OnFailure.
    """
    manifest = yaml.safe_load(MANIFESTS["init-container"].read_text())
    manifest["metadata"]["annotations"] = {KEEP_INIT_CONTAINER: "always"}
    manifest["spec"]["restartPolicy"] = "OnFailure"
    file = tmp_path / "init-container.yaml"
    file.write_text(yaml.safe_dump(manifest))
    with played(podman, file, "redis") as redis:
        redis.wait_line("Ready to accept connections")
        redis.stop(60)
        assert redis.wait() == 0


def test_image_volume(podman: Engine, services: None) -> None:
    """Podman 4 has image volumes only on its command line. The mount is the manifest's."""
    pod = yaml.safe_load(MANIFESTS["image-volume"].read_text())["spec"]
    [container], [volume] = pod["containers"], pod["volumes"]
    [mount] = container["volumeMounts"]
    source = f"source={volume['image']['reference']},destination={mount['mountPath']}"
    [program, *options] = container["command"]
    with podman.container(
        *options,
        *container["args"],
        image="reaper-test/services",
        options=["--mount", f"type=image,{source}", "--entrypoint", program],
    ) as redis:
        redis.wait_line("Ready to accept connections")
        redis.stop(60)
        assert redis.wait() == 0


def test_shared_namespace(podman: Engine) -> None:
    with played(podman, MANIFESTS["shared-namespace"], "web") as web:
        web.wait_line("not PID 1: made myself a child subreaper")
        web.wait_line("reaped orphan")


def test_debug(podman: Engine) -> None:
    with played(podman, MANIFESTS["debug"], "debug") as debug:
        # The first look may come before the other container's program is there, so look again.
        look = ("start", "--attach", debug.name)
        eventually(lambda: "sleep 1000" in podman(*look, check=False).stdout, "main of the pod")
