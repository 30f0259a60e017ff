"""The pytest plugin, in suites as users write them, and the README's tests, unchanged."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.package.environment import PROJECT, SOURCE, installed, run

README = (SOURCE / "README.md").read_text()
PYTHON_BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
(NODE_TEST,) = re.findall(r"^```js\n(.*?)^```", README, re.M | re.S)
PYTHON_TEST, FURTHER_TESTS, CONFTEST = PYTHON_BLOCKS[:3]
NODE_MODULES = PROJECT / "tests" / "clients" / "node_device" / "node_modules"


def suite(folder: Path, test: str, conftest: str = "") -> Path:
    """A suite of its own, with nothing else in it."""
    (folder / "test_client.py").write_text(test)
    (folder / "conftest.py").write_text(conftest)
    return folder


def pytest_run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return run(installed("python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, folder=folder)


def lines_of(text: str) -> int:
    return sum(bool(line.strip()) for line in text.splitlines())


def test_the_readmes_test_of_a_python_client_runs_and_has_ten_lines(tmp_path: Path) -> None:
    result = pytest_run(suite(tmp_path, PYTHON_TEST, CONFTEST))
    assert "1 passed" in result.stdout, result.stdout + result.stderr
    assert lines_of(PYTHON_TEST) <= 10


def test_the_readmes_tests_of_a_refusal_and_a_fault_run(tmp_path: Path) -> None:
    result = pytest_run(suite(tmp_path, FURTHER_TESTS))
    assert "2 passed" in result.stdout, result.stdout + result.stderr


def test_the_readmes_test_of_a_node_client_runs_and_has_ten_lines(tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    (tmp_path / "pump.test.js").write_text(NODE_TEST)
    node = shutil.which("node")
    assert node, "Node.js is not installed: install Node 18 or newer with npm, then `make test`."
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    with (tmp_path / "log.txt").open("w") as log:
        served = subprocess.Popen(
            [installed("local-dps"), "serve", "--retry-after", "0"], stdout=log, env={"PATH": "/usr/bin:/bin", **state}
        )
    try:
        result = run(node, "--test", folder=tmp_path, **state)
    finally:
        served.terminate()
        served.wait(30)
    assert result.returncode == 0, result.stdout + (tmp_path / "log.txt").read_text()
    assert re.search(r"^# pass 1$", result.stdout, re.M)
    assert lines_of(NODE_TEST) <= 10


REFUSED = """
import http.client, json, ssl


def register(local_dps, device):
    context = ssl.create_default_context(cafile=local_dps.ca_file)
    context.load_cert_chain(device.chain_file, device.key_file)
    line = http.client.HTTPSConnection(*local_dps.device_endpoint, context=context)
    path = f"/{local_dps.id_scope}/registrations/{device.registration_id}"
    line.request("PUT", f"{path}/register?api-version=2021-06-01", "{}", {"Content-Type": "application/json"})
    answer = line.getresponse()
    body = json.loads(answer.read())
    if answer.status == 202:
        line.request("GET", f"{path}/operations/{body['operationId']}?api-version=2021-06-01")
        return json.loads(line.getresponse().read())
    return body


def test_of_an_unverified_ca(local_dps, tmp_path):
    from local_dps.testing import CaForTests

    device = CaForTests.create_root("Another organization").issue_device("pump-1", tmp_path)
    assert register(local_dps, device)["status"] == "assigned"


def test_of_a_disabled_group(local_dps):
    ca = local_dps.verified_ca()
    local_dps.enrollment_group("pumps", ca, provisioningStatus="disabled")
    assert register(local_dps, local_dps.device("pump-1", ca))["status"] == "assigned"


def test_of_an_intermediate(local_dps):
    intermediate = local_dps.verified_ca("Root").create_intermediate("Plant 1")
    answer = register(local_dps, local_dps.device("pump-1", intermediate))
    assert answer["registrationState"]["assignedHub"] in local_dps.iot_hubs
    assert len(local_dps.log()) > 5


def test_under_faults(local_dps):
    local_dps.set_faults({"throttle": 1}, seed=7)
    try:
        local_dps.device("pump-1")
    except Exception as error:
        assert "429" in str(error)
    assert local_dps.fault_counts()["throttle"] >= 1


def test_that_faults_ended_with_their_test(local_dps):
    assert register(local_dps, local_dps.device("pump-1"))["status"] == "assigned"
"""


def test_a_failed_test_shows_why_its_device_was_refused(tmp_path: Path) -> None:
    result = pytest_run(suite(tmp_path, REFUSED))
    assert "2 failed, 3 passed" in result.stdout, result.stdout + result.stderr
    shown = [part.split("Requests to the local DPS", 1)[1] for part in result.stdout.split("____ test_")[1:3]]
    assert re.search(
        r"^PUT    /0ne\w+/registrations/pump-1/register  401 .* CA certificate not found", shown[0], re.M
    ), shown[0]
    assert "its enrollment, that of the group 'pumps', is disabled." in shown[1]
    assert "DELETE" not in shown[1], "the requests of another test are in its log"


CREDENTIALS = """
def test_each_endpoint_is_told(local_dps):
    assert local_dps.service_endpoint.startswith("https://localhost:")
    assert local_dps.service_endpoint != local_dps.connection.service_endpoint
    assert local_dps.connection_string.startswith(f"HostName={local_dps.service_endpoint.removeprefix('https://')};")
    assert local_dps.credential["authority"] == local_dps.management_endpoint
    assert "BEGIN CERTIFICATE" in local_dps.trust and local_dps.ca_file.read_text() == local_dps.trust
    assert local_dps.mqtt_endpoint.port != local_dps.device_endpoint.port


names = set()


def test_one(local_dps):
    names.add((local_dps.connection.control_endpoint, local_dps.name, local_dps.id_scope))


def test_two(local_dps):
    names.add((local_dps.connection.control_endpoint, local_dps.name, local_dps.id_scope))
    assert len(names) == 2 and len({each[0] for each in names}) == 1
"""


def test_each_test_has_a_service_of_its_own_in_one_process(tmp_path: Path) -> None:
    result = pytest_run(suite(tmp_path, CREDENTIALS))
    assert "3 passed" in result.stdout, result.stdout + result.stderr


QUIET = """
import sys


def test_nothing_is_imported():
    heavy = {"aiohttp", "cryptography", "OpenSSL", "jwt", "sqlite3"} & set(sys.modules)
    assert heavy == set()
    own = {name for name in sys.modules if name.startswith("local_dps.")}
    assert own == {"local_dps.version", "local_dps.pytest_plugin"}
"""


def test_a_suite_that_does_not_use_it_is_not_disturbed(tmp_path: Path) -> None:
    result = pytest_run(suite(tmp_path, QUIET), "-W", "error")
    assert "1 passed" in result.stdout, result.stdout + result.stderr
    with_it = pytest_run(tmp_path, "--help", "--markers").stdout
    assert "local-dps" not in with_it.lower().replace("local_dps", "")


def test_a_process_that_does_not_start_says_why(tmp_path: Path) -> None:
    conftest = CONFTEST.replace('"--allow-tls-1-3"', '"--fault", "earthquake=1"')
    result = pytest_run(suite(tmp_path, PYTHON_TEST, conftest))
    assert "1 error" in result.stdout
    assert "There is no fault 'earthquake'." in result.stdout
