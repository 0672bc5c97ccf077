"""The example of a proxy with TLS: Caddy, with the repository's own Caddyfile, in front of a real server."""

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.factories import iris_spec
from tests.polling import wait_until
from tests.servers.valkey import find_free_port

CADDY = shutil.which("caddy")
CADDYFILE = Path(__file__).parents[2] / "examples" / "proxy" / "Caddyfile"

pytestmark = [
    pytest.mark.xdist_group("server"),
    pytest.mark.skipif(CADDY is None, reason="Caddy is not installed; `apt-get install caddy` installs it"),
]


@pytest.fixture(scope="module")
def proxied(server, tmp_path_factory):
    """Yield a client that trusts the certificate of a Caddy in front of the server."""
    directory, port = tmp_path_factory.mktemp("caddy"), find_free_port()
    environment = {
        "HOME": str(directory),
        "XDG_DATA_HOME": str(directory),
        "XDG_CONFIG_HOME": str(directory),
        "PATH": "",  # otherwise Caddy adds its certificate to those that this machine trusts
        "CADDY_ADMIN": f"127.0.0.1:{find_free_port()}",
        "STACKYARD_DOMAIN": f"localhost:{port}",
        "STACKYARD_UPSTREAM": f"127.0.0.1:{server.http.base_url.port}",
    }
    with (directory / "log").open("w") as log:
        command = [CADDY, "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=os.sep)
    try:
        root = directory / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        wait_until(root.exists)
        context = ssl.create_default_context(cafile=str(root))
        with httpx2.Client(base_url=f"https://localhost:{port}", verify=context, timeout=60) as client:
            wait_until(lambda: is_ready(client))
            yield client
    finally:
        process.terminate()
        process.wait()


def is_ready(client):
    try:
        return client.get("/readyz").is_success
    except httpx2.TransportError:
        return False


def test_the_page_and_the_api_are_served_over_tls(proxied):
    response = proxied.get("/", headers={"Accept": "text/html"})
    assert response.status_code == 200
    assert response.headers["strict-transport-security"] == "max-age=31536000"
    assert proxied.get("/v1/jobs").status_code == 200


def test_a_write_from_the_page_passes_and_one_from_another_site_does_not(proxied):
    own = proxied.post("/v1/jobs", json=iris_spec(), headers={"Origin": str(proxied.base_url).rstrip("/")})
    assert own.status_code == 201
    foreign = proxied.post("/v1/jobs", json=iris_spec(), headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403


def test_a_large_upload_passes(proxied):
    content = b"a,b\n" + b"1,2\n" * 1_000_000
    response = proxied.post(
        "/v1/datasets", params={"name": "large"}, content=content, headers={"Content-Type": "text/csv"}
    )
    assert response.status_code in {200, 201}, response.text
    assert response.json()["bytes"] == len(content)


def test_events_arrive_while_the_job_runs(proxied):
    """A proxy that buffers would pass on nothing before the stream ends, and this job waits until it is cancelled."""
    spec = iris_spec(run={"device": "gpu"})
    job_id = proxied.post("/v1/jobs", json=spec).json()["id"]
    with proxied.stream("GET", f"/v1/jobs/{job_id}/events") as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("event:"))
        proxied.post(f"/v1/jobs/{job_id}/cancel").raise_for_status()
        assert any("cancelled" in line for line in lines)
