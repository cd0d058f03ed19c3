"""What the Dockerfile promises: the user, the content of the images, and the commands that the chart runs."""

import json
import os
import re
import shlex
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
PRODUCT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
ENTRYPOINTS = {"image": "image/entrypoint", "demo": "image/entrypoint-demo"}


@dataclass
class BuildStage:
    """One FROM and what follows."""

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def of(self, *words: str) -> list[str]:
        """Return what follows the words, in order."""
        return [rest for word, rest in self.steps if word in words]


def stages() -> dict[str, BuildStage]:
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", (PROJECT / "Dockerfile").read_text()))
    stages_by_name: dict[str, BuildStage] = {}
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages_by_name[name] = BuildStage(base)
        elif word and stages_by_name:
            list(stages_by_name.values())[-1].steps.append((word, rest))
    return stages_by_name


def layers_of(name: str) -> list[BuildStage]:
    """Return the stages whose layers are in the image of this name, first ones first."""
    all_stages = stages()
    return ([] if all_stages[name].base.startswith("$") else layers_of(all_stages[name].base)) + [all_stages[name]]


def test_the_default_target_is_the_product() -> None:
    assert list(stages())[-1] == "image"


@pytest.mark.parametrize("name", ENTRYPOINTS)
def test_no_image_runs_as_root(name: str) -> None:
    users = [user for stage in layers_of(name) for user in stage.of("USER")]
    assert users == ["65532:65532"]
    values = yaml.safe_load((PROJECT / "charts" / "video-uploads" / "values.yaml").read_text())
    assert values["podSecurityContext"]["runAsUser"] == 65532


def test_no_image_has_build_tools() -> None:
    runs = [run for stage in layers_of("image") for run in stage.of("RUN")]
    installed = re.findall(r"apt-get install --yes --no-install-recommends ([^&;]+)", " ".join(runs))
    assert [packages.split() for packages in installed] == [["python3", "ca-certificates"]]
    assert not [run for run in runs if re.search(r"\b(pip|npm|gcc|make|curl|wget)\b", run)]
    copied = [copy for stage in layers_of("image") for copy in stage.of("COPY") if copy.startswith("--from")]
    assert copied == ["--from=build /opt/venv /opt/venv", "--from=page /webui/dist ./webui/dist"]


def test_packages_come_from_the_lock_with_their_hashes_and_as_wheels() -> None:
    (install,) = [run for run in stages()["build"].of("RUN") if " install " in run and "pip" in run and "lock" in run]
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(install.split())
    assert install.endswith("--requirement /build/requirements.lock")
    (page,) = [run for run in stages()["page"].of("RUN") if run.startswith("npm ci")]
    assert page == "npm ci --ignore-scripts"


@pytest.mark.parametrize("name", ["BASE", "NODE_BASE", "GO_BASE"])
def test_base_images_can_be_replaced(name: str) -> None:
    assert re.search(rf"(?m)^ARG {name}=\S+$", (PROJECT / "Dockerfile").read_text())
    assert f"${{{name}}}" in {stage.base for stage in stages().values()}


@pytest.mark.parametrize(
    ("release", "base", "is_built"),
    [
        pytest.param("", "debian:bookworm-slim", True, id="a-tag-for-every-day"),
        pytest.param("yes", "debian:bookworm-slim", False, id="a-tag-for-a-release"),
        pytest.param("yes", f"debian:bookworm-slim@sha256:{'0a' * 32}", True, id="a-digest-for-a-release"),
        pytest.param("yes", f"debian@sha256:{'0a' * 32}", True, id="a-digest-without-a-tag"),
        pytest.param("yes", "debian@sha256:0a", False, id="half-a-digest"),
        pytest.param("yes", f"debian@sha256:{'0a' * 32}0", False, id="more-than-a-digest"),
        pytest.param("yes", "", False, id="no-base"),
    ],
)
@pytest.mark.parametrize("name", ["BASE", "NODE_BASE", "GO_BASE"])
def test_a_release_is_built_from_bases_by_digest_only(name: str, release: str, base: str, is_built: bool) -> None:
    (stage,) = [stage for stage in stages().values() if stage.base == f"${{{name}}}"]
    assert stage.of("ARG")[:2] == ["RELEASE", name]
    word, check = stage.steps[2]
    assert word == "RUN"
    environment = {"PATH": os.environ["PATH"], "RELEASE": release, name: base}
    done = subprocess.run(["sh", "-c", check], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is is_built
    assert is_built or done.stderr == f"a release needs {name} by digest: name@sha256:…\n"


def copied_here(name: str) -> set[str]:
    """Return what the stages of an image copy out of the project."""
    copies = [copy for stage in layers_of(name) for copy in stage.of("COPY") if not copy.startswith("--from")]
    return {source for copy in copies for source in copy.split()[:-1]}


def test_the_image_has_all_packages_and_nothing_of_the_local_stack() -> None:
    packages = set(PRODUCT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert copied_here("image") == packages | {"LICENSE", "image/entrypoint"}


def test_only_the_demo_image_has_the_demo() -> None:
    assert copied_here("demo") - copied_here("image") == {"devstack", "image/entrypoint-demo"}


def test_the_build_context_holds_only_what_is_copied() -> None:
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    copies = [copy for stage in stages().values() for copy in stage.of("COPY") if not copy.startswith("--from")]
    assert {source.split("/")[0] for copy in copies for source in copy.split()[:-1]} == let_in


def test_labels_name_product_and_licence() -> None:
    (label,) = stages()["without-page"].of("LABEL")
    labels = dict(part.split("=", 1) for part in shlex.split(label))
    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}licenses"] == PRODUCT["project"]["license"]
    assert labels[f"{prefix}title"] == PRODUCT["project"]["name"]
    assert f"VERSION={PRODUCT['project']['version']}" in stages()["without-page"].of("ARG")


def words_of(entrypoint: str) -> set[str]:
    text = (PROJECT / entrypoint).read_text()
    return set(re.findall(r"(?m)^  ([a-z0-9-]+)\)", text))


def test_the_image_knows_every_command_of_the_chart() -> None:
    templates = PROJECT / "charts" / "video-uploads" / "templates"
    text = "".join(file.read_text() for file in templates.rglob("*.*"))
    commands = set(re.findall(r"args: \[([a-z-]+)\]", text)) | {"api", "operator", "answers"}
    assert commands == {"migrate", "apply-crds", "api", "operator", "answers"}
    assert commands <= words_of(ENTRYPOINTS["image"])


def test_the_demo_image_knows_every_command_of_the_demo() -> None:
    values = yaml.safe_load((PROJECT / "charts" / "video-uploads" / "values-demo.yaml").read_text())
    commands = set(re.findall(r'"args": \["([a-z0-9-]+)"\]', json.dumps(values)))
    assert commands == {"postgres", "s3", "coconut", "bucket"}
    assert commands <= words_of(ENTRYPOINTS["demo"])


@pytest.mark.parametrize("commands", [[], ["nothing-of-ours"]])
def test_without_a_known_command_the_image_lists_its_commands(commands: list[str]) -> None:
    entrypoint = PROJECT / ENTRYPOINTS["image"]
    done = subprocess.run(["sh", str(entrypoint), *commands], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert words_of(ENTRYPOINTS["image"]) <= set(re.findall(r"[a-z-]+", done.stderr))


@pytest.mark.parametrize("entrypoint", ENTRYPOINTS.values())
def test_every_process_replaces_the_shell(entrypoint: str) -> None:
    text = (PROJECT / entrypoint).read_text()
    assert (PROJECT / entrypoint).stat().st_mode & 0o111
    started = re.findall(r"(?m)^.*(?:python3 -m|versitygw --port|bin/postgres\").*$", text)
    assert len(started) > 1
    assert not [line for line in started if "exec " not in line]
