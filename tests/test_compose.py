"""The team's deployment: everything that docker-compose.yml and the Dockerfile name exists in the code."""

import re
import shlex
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr
from redis import AuthenticationError, Redis

from api.app import create_app
from service.settings import Settings
from stackyard.cli.serving import broker
from tests.polling import wait_until

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OUR_SERVICES = {"migrate", "api", "worker-cpu", "worker-gpu"}
PACKAGES = {"stackyard", "models", "service", "api", "worker", "migrations", "web"}
STAGES = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("name", sorted(OUR_SERVICES))
def test_a_command_names_code_that_exists(name):
    command = SERVICES[name]["command"]
    assert command[:2] == ["python", "-m"]
    assert find_spec(command[2])
    targets = [word for word in command if re.fullmatch(r"[a-z_.]+:[a-z_]+", word)]
    assert len(targets) == (name not in {"migrate", "api"})
    for target in targets:
        module, attribute = target.split(":")
        path = ROOT / f"{module.replace('.', '/')}.py"
        assert re.search(rf"^(def )?{attribute}\b", path.read_text(), re.MULTILINE), target


def test_the_services_are_complete():
    assert set(SERVICES) == OUR_SERVICES | {"postgres", "valkey"}
    assert (ROOT / "migrations" / "__main__.py").exists()


@pytest.mark.parametrize("name", sorted(OUR_SERVICES))
def test_every_variable_is_a_setting(name, monkeypatch, tmp_path):
    variables = {key: value for key, value in SERVICES[name]["environment"].items() if _is_setting(key)}
    assert {_get_setting(key) for key in variables} <= set(Settings.model_fields)
    for key, value in variables.items():
        if key.endswith("_FILE"):
            mounted = [*SERVICES[name]["secrets"], *(config["target"] for config in SERVICES[name]["configs"])]
            assert {value, Path(value).name} & set(mounted)
            (tmp_path / Path(value).name).write_text(f"the {_get_setting(key)}\n")
            monkeypatch.setenv(key, str(tmp_path / Path(value).name))
        elif value is not None:  # otherwise Compose passes the variable on
            monkeypatch.setenv(key, _apply_default(value))
    settings = Settings()  # accepts the values

    assert settings.resolved_database_url.startswith("postgresql+psycopg://stackyard:")
    assert settings.broker_url == "redis://valkey:6379/0"
    assert settings.broker_password.get_secret_value() == "the broker_password"
    assert settings.database_password.get_secret_value() == "the database_password"
    assert (settings.token is not None) == (name == "api")
    assert str(settings.data_dir) == "/data"


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_a_worker_serves_the_queue_of_its_device(device):
    service = SERVICES[f"worker-{device}"]
    command = service["command"]

    assert service["environment"]["STACKYARD_DEVICE"] == device
    assert command[command.index("--queues") + 1] == device
    assert command[command.index("--hostname") + 1] == f"{device}@%h"
    assert '"$$STACKYARD_DEVICE@$$HOSTNAME"' in " ".join(service["healthcheck"]["test"])


def test_only_the_gpu_worker_reserves_gpus():
    reserved = {name: service["deploy"] for name, service in SERVICES.items() if "deploy" in service}

    (device,) = reserved["worker-gpu"]["resources"]["reservations"]["devices"]
    assert device["driver"] == "nvidia"
    assert device["capabilities"] == ["gpu"]
    assert set(reserved) == {"worker-gpu"}
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]
    assert not any("profiles" in SERVICES[name] for name in set(SERVICES) - {"worker-gpu"})


def test_no_secret_is_in_the_environment_of_a_container():
    """`docker inspect` shows variables. Files come from variables of Compose, which refuses to start without them."""
    assert COMPOSE["secrets"] == {
        "postgres-password": {"environment": "POSTGRES_PASSWORD"},
        "token": {"environment": "STACKYARD_TOKEN"},
    }
    content = COMPOSE["configs"]["valkey-password"]["content"]
    assert re.fullmatch(r"\$\{VALKEY_PASSWORD:-\$\{POSTGRES_PASSWORD:\?.+\}\}", content)
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert value is None or not re.search(r"PASSWORD|TOKEN", name) or value.startswith("/run/secrets/")
            assert not re.search(r"\$\{\w*(PASSWORD|TOKEN)", str(value))
    assert SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"].endswith("/postgres-password")
    assert "token" not in {secret for name in OUR_SERVICES - {"api"} for secret in SERVICES[name]["secrets"]}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_neither_privileges_nor_unlimited_memory(name):
    service = SERVICES[name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service or name in {"postgres", "valkey"}
    assert re.fullmatch(r"(\$\{\w+_MEMORY:-)?\d+[gm]\}?", service["mem_limit"])
    assert re.fullmatch(r"(\$\{\w+_CPUS:-)?\d\}?", str(service["cpus"]))
    assert service["pids_limit"] <= 4096


@pytest.mark.parametrize("password", ["simple", "p@ss/word", 'a "b" #c\\n $d', "ü %2F"])
def test_the_broker_accepts_only_its_password(tmp_path, password):
    config, socket = tmp_path / "valkey.conf", tmp_path / "socket"
    content = _apply_default(COMPOSE["configs"]["valkey"]["content"]).replace("${POSTGRES_PASSWORD}", password)
    config.write_text(content)
    program = broker.build_broker_command(socket)[0]
    with subprocess.Popen([program, str(config), "--port", "0", "--unixsocket", str(socket)]) as process:
        wait_until(socket.exists)
        try:
            assert Redis(unix_socket_path=str(socket), password=password).ping()
            with pytest.raises(AuthenticationError):
                Redis(unix_socket_path=str(socket)).ping()
        finally:
            process.terminate()


def test_the_broker_reads_its_password_from_a_file():
    assert SERVICES["valkey"]["command"] == ["valkey-server", SERVICES["valkey"]["configs"][0]["target"]]
    assert SERVICES["valkey"]["configs"][0]["source"] in COMPOSE["configs"]


def test_the_image_has_no_installer():
    runs = " ".join(_list_instructions("RUN"))
    assert "python -m venv --without-pip /opt/stackyard" in runs
    assert "rm -rf /usr/local/bin/pip* /usr/local/lib/python3.11/site-packages/*" in runs
    bases = {stage.split()[0] for stage in STAGES if ":" in stage.split()[0]}
    assert all(base.startswith("python:3.11-") for base in bases)


@pytest.mark.parametrize("name", sorted({"postgres", "valkey"} | OUR_SERVICES - {"migrate"}))
def test_a_long_running_service_restarts_and_has_a_health_check(name):
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert "stop_grace_period" in service


def test_the_migration_runs_once_before_the_services_that_need_it():
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in OUR_SERVICES - {"migrate"}:
        assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_the_api_s_health_check_requests_a_public_route(settings, make_client):
    (url,) = re.findall(r'"(http://[^"]+)"', SERVICES["api"]["healthcheck"]["test"][-1])
    path = re.sub(r"^http://127\.0\.0\.1:8000", "", url)

    response = make_client(settings.model_copy(update={"token": SecretStr("secret")})).get(path)

    assert response.status_code == 200
    assert path in create_app(settings).openapi()["paths"]


def test_the_published_port_is_the_served_port():
    command = SERVICES["api"]["command"]
    port = command[command.index("--port") + 1]

    assert SERVICES["api"]["ports"] == [f"${{API_ADDRESS:-127.0.0.1}}:8000:{port}"]
    assert f"EXPOSE {port}\n" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", sorted(OUR_SERVICES))
def test_the_services_share_the_data(name):
    assert SERVICES[name]["volumes"] == ["data:/data"]
    assert {"data", "postgres"} == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", sorted(OUR_SERVICES))
def test_a_service_is_built_from_an_existing_stage(name):
    built = {service["image"]: service["build"]["target"] for service in SERVICES.values() if "build" in service}
    assert SERVICES[name]["image"] == f"stackyard:{built[SERVICES[name]['image']]}"
    assert set(built.values()) <= {stage.splitlines()[0].split(" AS ")[1] for stage in STAGES}
    assert len(built) == sum("build" in service for service in SERVICES.values()), "an image is built twice"


def test_the_image_holds_every_package_and_the_files_that_they_read():
    copied = {word for line in _list_instructions("COPY") for word in shlex.split(line)[:-1]}

    assert copied >= PACKAGES | {"alembic.ini", "requirements/server.txt", "requirements/gpu.txt"}
    assert all((ROOT / path).exists() for path in copied if not path.startswith(("--", "/")))


def test_copied_files_are_not_ignored():
    included = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for line in _list_instructions("COPY") if "--from" not in line for word in shlex.split(line)[:-1]}

    assert {"requirements/*.txt" if path.startswith("requirements/") else path for path in copied} == included


def test_packages_are_pinned_and_their_hashes_verified():
    installs = [line for line in _list_instructions("RUN") if "pip install" in line]

    assert len(installs) == 3
    assert all("--require-hashes -r /requirements/" in line for line in installs)
    bases = [stage.split()[0] for stage in STAGES]
    assert all(re.fullmatch(r"python:3\.11-slim-\w+|[a-z-]+", base) for base in bases)


def test_nothing_in_the_image_runs_as_root():
    server = next(stage for stage in STAGES if stage.startswith("base AS server"))
    assert re.findall(r"^USER (\w+)$", server, re.MULTILINE) == ["stackyard"]
    assert {stage.split()[0] for stage in STAGES if stage.split()[2] in {"cpu", "gpu"}} == {"server"}


class TestProxy:
    FILES = ROOT / "examples" / "proxy"
    OVERRIDE = yaml.safe_load((FILES / "compose.yml").read_text())

    def test_only_the_network_of_the_proxy_is_trusted(self):
        environment = self.OVERRIDE["services"]["api"]["environment"]
        [pool] = self.OVERRIDE["networks"]["default"]["ipam"]["config"]
        assert environment["FORWARDED_ALLOW_IPS"] == pool["subnet"]
        assert {_get_setting(key) for key in environment if _is_setting(key)} <= set(Settings.model_fields)
        assert set(self.OVERRIDE["services"]) - set(SERVICES) == {"proxy"}

    def test_the_proxies_pass_on_what_the_api_needs(self):
        nginx, caddy = ((self.FILES / name).read_text() for name in ("nginx.conf", "Caddyfile"))
        for line in (
            "proxy_set_header Host $http_host;",
            "proxy_set_header X-Forwarded-For $remote_addr;",
            "proxy_set_header X-Forwarded-Proto $scheme;",
            "proxy_set_header X-Request-ID $request_id;",
            "proxy_buffering off;",
            "client_max_body_size 2g;",
        ):
            assert line in nginx
        assert "flush_interval -1" in caddy
        assert "header_up X-Request-ID" in caddy
        assert Settings().max_dataset_bytes == 2 * 2**30

    def test_the_proxy_is_as_hardened_as_the_services(self):
        proxy = self.OVERRIDE["services"]["proxy"]
        assert proxy["security_opt"] == ["no-new-privileges:true"]
        assert proxy["cap_drop"] == ["ALL"]
        assert {"mem_limit", "cpus", "pids_limit", "healthcheck"} <= set(proxy)


def _list_instructions(name: str) -> list[str]:
    text = "".join(STAGES).replace("\\\n", " ")
    return [line.removeprefix(f"{name} ") for line in text.splitlines() if line.startswith(f"{name} ")]


def _apply_default(value: str) -> str:
    """Replace a variable by its default, which may be another variable."""
    return re.sub(r"\$\{\w+:-(\w+|\$\{\w+})}", r"\1", value)


def _is_setting(variable: str) -> bool:
    return variable.startswith("STACKYARD_")


def _get_setting(variable: str) -> str:
    return variable.removeprefix("STACKYARD_").removesuffix("_FILE").lower()
