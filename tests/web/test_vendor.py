"""The libraries of the page: `vendor.json` records what the bundles contain, `package-lock.json` what npm installs."""

import base64
import hashlib
import json
import re

import pytest

from tests.web.module_graph import WEB

VENDOR = WEB / "vendor"
RECORD = json.loads((VENDOR / "vendor.json").read_text())
LOCK = json.loads((VENDOR / "package-lock.json").read_text())
INSTALLED = {path: entry for path, entry in LOCK["packages"].items() if path}
LICENSES = {"MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC"}


def compute_digest(name):
    return "sha384-" + base64.b64encode(hashlib.sha384((VENDOR / name).read_bytes()).digest()).decode()


def test_the_bundles_are_those_that_were_built():
    assert {name: compute_digest(name) for name in RECORD["files"]} == RECORD["files"]
    served = {path.name for path in VENDOR.iterdir() if path.suffix in {".js", ".css"}}
    assert {name for name in served if not name.endswith(".entry.js")} == set(RECORD["files"])


@pytest.mark.parametrize("package", RECORD["packages"], ids=lambda package: package["name"])
def test_a_bundled_package_is_the_locked_one(package):
    locked = INSTALLED[f"node_modules/{package['name']}"]
    assert {key: locked[key] for key in ("version", "license", "integrity")} == {
        key: package[key] for key in ("version", "license", "integrity")
    }
    assert package["license"] in LICENSES
    assert f"{package['name']} {package['version']} ({package['license']})" in (VENDOR / "LICENSES.txt").read_text()


def test_all_packages_that_users_get_are_recorded():
    bundled = {f"node_modules/{package['name']}" for package in RECORD["packages"]}
    assert {path for path, entry in INSTALLED.items() if not entry.get("dev")} <= bundled


def test_every_locked_package_has_a_version_and_an_integrity():
    for path, entry in INSTALLED.items():
        assert entry["version"], path
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", entry["integrity"]), path


def test_the_lock_names_no_address_of_a_registry():
    text = json.dumps([{**entry, "funding": None} for entry in INSTALLED.values()])
    assert "resolved" not in text
    assert "//" not in re.sub(r'"sha512-[^"]+"', "", text)
