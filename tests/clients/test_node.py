"""ioredis 6, which speaks RESP3. Installed by npm on first use; skipped where npm or its registry is not there."""

import pathlib
import shutil
import subprocess

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent / "node"
INSTALL_TIMEOUT_S = 180
RUN_TIMEOUT_S = 60


@pytest.fixture(scope="module")
def installed():
    if not shutil.which("npm"):
        pytest.skip("npm is not there")
    if not (FOLDER / "node_modules" / "ioredis").is_dir():
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], cwd=FOLDER,
                              capture_output=True, timeout=INSTALL_TIMEOUT_S, check=False)
        if done.returncode != 0:
            pytest.skip(f"npm install failed: {done.stderr.decode()[-500:]}")
    return FOLDER


def test_ioredis(installed, server_name, shared_servers):
    if ":" in server_name:
        pytest.skip("needs a server of its own")
    server = shared_servers(server_name)
    done = subprocess.run(["node", "ioredis.mjs", str(server.port)], cwd=installed, capture_output=True,
                          timeout=RUN_TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
