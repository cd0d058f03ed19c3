"""The release workflow: what it may do, what it builds from, and that everything it signs is named by digest."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from devstack.paths import PROJECT_DIR

FILE = PROJECT_DIR / ".github" / "workflows" / "release.yml"
WORKFLOW: dict[Any, Any] = yaml.safe_load(FILE.read_text())
(JOB,) = WORKFLOW["jobs"].values()
SCRIPTS: dict[str, str] = {step["name"]: step["run"] for step in JOB["steps"] if "run" in step}
# Each command as one line.
COMMANDS = [line.strip() for script in SCRIPTS.values() for line in script.replace("\\\n", " ").splitlines()]


def commands(beginning: str) -> list[str]:
    """Return the commands that begin so."""
    return [command for command in COMMANDS if command.startswith(beginning)]


def position(beginning: str) -> int:
    """Return the place of the first command that begins so."""
    return next(number for number, command in enumerate(COMMANDS) if command.startswith(beginning))


def test_only_a_tag_of_a_version_releases() -> None:
    # YAML 1.1 reads the key `on` as true.
    assert WORKFLOW[True] == {"push": {"tags": ["v*"]}}


def test_it_may_read_the_source_and_sign_and_nothing_else() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read", "id-token": "write"}
    assert "permissions" not in JOB


def test_every_action_is_pinned_to_a_commit() -> None:
    used = [step["uses"] for step in JOB["steps"] if "uses" in step]
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w/.-]+@[0-9a-f]{40}", action)] == []


def test_tools_from_elsewhere_have_an_exact_version() -> None:
    assert commands("go install")
    assert all(re.search(r"@v\d+\.\d+\.\d+$", command) for command in commands("go install"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_well_formed_and_has_no_expression(name: str) -> None:
    assert "${{" not in SCRIPTS[name]
    done = subprocess.run(["bash", "-n"], input=SCRIPTS[name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_only_the_sign_in_is_given_the_token() -> None:
    assert "secrets." not in str(JOB["env"])
    given = [step["name"] for step in JOB["steps"] if "secrets." in str(step)]
    assert given == ["Sign in to the registry"]
    assert all("--password-stdin" in command for command in COMMANDS if "REGISTRY_TOKEN" in command)


def test_the_image_is_built_from_bases_by_digest_with_provenance() -> None:
    (build,) = commands("docker buildx build")
    assert "--build-arg RELEASE=yes" in build
    assert "--attest type=provenance,mode=max" in build
    assert "--target image" in build


def test_the_image_can_be_built_again_to_the_same_bytes() -> None:
    (build,) = commands("docker buildx build")
    assert "rewrite-timestamp=true" in build
    assert "SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)" in build


def test_the_dockerfile_has_every_argument_that_it_is_given() -> None:
    (build,) = commands("docker buildx build")
    given = set(re.findall(r"--build-arg \"?(\w+)=", build))
    declared = set(re.findall(r"(?m)^ARG (\w+)", (PROJECT_DIR / "Dockerfile").read_text()))
    # BuildKit itself knows the last one.
    assert given - declared == {"SOURCE_DATE_EPOCH"}


def test_what_is_signed_is_named_by_digest() -> None:
    signed = commands("cosign ")
    assert [command.split()[1] for command in signed] == ["sign", "attest", "attest", "sign"]
    assert {command.split()[-1] for command in signed} == {'"$IMAGE@$IMAGE_DIGEST"', '"$CHART@$CHART_DIGEST"'}


def test_the_bill_of_materials_and_the_provenance_are_attested() -> None:
    predicates = {tuple(re.findall(r"--(?:type|predicate) (\S+)", command)) for command in commands("cosign attest")}
    assert predicates == {("cyclonedx", "sbom.cdx.json"), ("slsaprovenance1", "provenance.json")}
    assert any("devstack.sbom sbom.cdx.json" in command for command in COMMANDS)
    assert any(command.endswith("> provenance.json") for command in COMMANDS)


def test_nothing_is_pushed_before_the_checks() -> None:
    assert position("make check") < position("docker buildx build") < position("helm push") < position("cosign sign")
    assert position("test ") < position("make check")
