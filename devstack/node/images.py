"""Images without a registry: built by buildah and imported into containerd as archives.

The base is a Debian by debootstrap; the pause container and CoreDNS are built from the modules of the tools.
"""

import re
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

from devstack.node.configuration import PAUSE_IMAGE
from devstack.node.layout import Layout
from devstack.node.network import run
from devstack.server import PartFailedError
from devstack.tools import TOOLS, tool

BASE_IMAGE = "localhost/base:bookworm"
# The same with this machine's Go and Node.
GO_BASE_IMAGE = "localhost/base-go:dev"
NODE_BASE_IMAGE = "localhost/base-node:dev"
DNS_IMAGE = "localhost/coredns:dev"
_SUITE = "bookworm"
_BUILD_MINUTES = 15
# venv for the stage that installs; both stages need the same interpreter at the same path.
_BASE_PACKAGES = "python3,python3-venv,ca-certificates"
_NOT_IN_THE_BASE = ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")


class Images:
    """The images of one node. Built images are kept, and imported unless containerd has them."""

    def __init__(self, where: Layout) -> None:
        self._where = where
        self._archives = where.root / "images"

    def load_own(self) -> str:
        """Build and import the images that every pod needs. Returns what was done, in one word."""
        builds = {PAUSE_IMAGE: self._build_pause, DNS_IMAGE: self._build_dns}
        missing = [image for image in builds if not self.has(image)]
        for image in missing:
            builds[image](image)
            self._import(image)
        return "built" if missing else "there"

    def build(self, image: str, *, tree: Path, arguments: Mapping[str, str], target: str) -> None:
        """Build an image out of a tree of this project, and import it."""
        self._build_tree(image, "--layers", tree=tree, arguments=arguments, target=target)
        self._import(image)

    def build_afresh(self, image: str, tree: Path, *, arguments: Mapping[str, str], target: str) -> str:
        """Build an image from its bases alone, with one time for all files, and return its id.

        The id is the SHA-256 of the image's configuration, which names the layers by theirs.
        """
        self._build_tree(image, "--no-cache", "--timestamp", "0", tree=tree, arguments=arguments, target=target)
        # An image is listed once for each of its names.
        return run("buildah", "images", "--no-trunc", "--format", "{{.ID}}", image).split()[0]

    def _build_tree(self, image: str, *options: str, tree: Path, arguments: Mapping[str, str], target: str) -> None:
        self._ensure_bases()
        argv = ["buildah", "bud", "--isolation", "chroot", "--network", "host", "--pull-never", *options]
        # The build trusts this machine's certificate authorities; the image does not keep them.
        certificates = "/etc/ssl/certs/ca-certificates.crt"
        argv += ["--volume", f"{certificates}:{certificates}:ro"]
        # Share this machine's Go caches.
        for name, inside in (("GOMODCACHE", "/root/go/pkg/mod"), ("GOCACHE", "/root/.cache/go-build")):
            argv += ["--volume", f"{run('go', 'env', name).strip()}:{inside}"]
        bases = {"BASE": BASE_IMAGE, "GO_BASE": GO_BASE_IMAGE, "NODE_BASE": NODE_BASE_IMAGE}
        for name, value in {**bases, **arguments}.items():
            argv += ["--build-arg", f"{name}={value}"]
        run(*argv, "--target", target, "--tag", image, str(tree), timeout_seconds=_BUILD_MINUTES * 60)

    def has(self, image: str) -> bool:
        """Return whether containerd has the image."""
        return image in self._ctr("images", "list", "--quiet").split()

    def give_another_name(self, image: str, name: str) -> None:
        """Import a built image under another name too."""
        # In this archive format containerd completes a name without a host, as the kubelet does for pods.
        self._import(image, name)

    def _build_pause(self, image: str) -> None:
        context = self._context("pause")
        # The Kubernetes module contains the source of the pause container.
        module = run("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes", cwd=TOOLS["kubelet"].module_dir).strip()
        source = Path(module, "build", "pause", "linux", "pause.c")
        run("gcc", "-Os", "-static", "-DVERSION=dev", "-o", str(context / "pause"), str(source))
        self._from_scratch(image, context, "COPY pause /pause", "USER 65535:65535", 'ENTRYPOINT ["/pause"]')

    def _build_dns(self, image: str) -> None:
        context = self._context("coredns")
        shutil.copy2(tool("coredns"), context / "coredns")
        self._from_scratch(image, context, "COPY coredns /coredns", 'ENTRYPOINT ["/coredns"]')

    def _ensure_bases(self) -> None:
        built = run("buildah", "images", "--format", "{{.Name}}:{{.Tag}}").split()
        if BASE_IMAGE not in built:
            self._build_base()
        if GO_BASE_IMAGE not in built:
            root = run("go", "env", "GOROOT").strip()
            self._extend_base(GO_BASE_IMAGE, {root: "usr/local/go"}, "ENV PATH=/usr/local/go/bin:/usr/bin:/bin")
        if NODE_BASE_IMAGE not in built:
            node = run("node", "-p", "process.execPath").strip()
            modules = run("npm", "root", "--global").strip()
            link = "RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/bin/npm"
            files = {node: "usr/bin/node", f"{modules}/npm": "usr/lib/node_modules/npm"}
            # Node has its own list of authorities and uses the machine's only with this variable.
            trust = "ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt"
            self._extend_base(NODE_BASE_IMAGE, files, link, trust)

    def _extend_base(self, image: str, files: Mapping[str, str], *lines: str) -> None:
        """Build the base with more files; ``files`` maps their sources to their paths in the image."""
        context = self._context("extended")
        with tarfile.open(context / "more.tar", "w") as archive:
            for source, name in files.items():
                archive.add(source, arcname=name)
        self._build(image, context, f"FROM {BASE_IMAGE}", "ADD more.tar /", *lines)

    def _build_base(self) -> None:
        root, context = self._where.root / "base", self._context("base")
        shutil.rmtree(root, ignore_errors=True)
        run(
            "debootstrap", "--variant=minbase", f"--include={_BASE_PACKAGES}", _SUITE, str(root), _mirror(),
            timeout_seconds=600,
        )  # fmt: skip
        for name in _NOT_IN_THE_BASE:
            shutil.rmtree(root / name, ignore_errors=True)
        with tarfile.open(context / "base.tar", "w") as archive:
            archive.add(root, arcname=".", filter=_without_kernel_files)
        shutil.rmtree(root)
        self._from_scratch(BASE_IMAGE, context, "ADD base.tar /")

    def _from_scratch(self, image: str, context: Path, *lines: str) -> None:
        self._build(image, context, "FROM scratch", *lines)

    def _build(self, image: str, context: Path, *lines: str) -> None:
        (context / "Dockerfile").write_text("\n".join([*lines, ""]))
        run(
            "buildah", "bud", "--isolation", "chroot", "--pull-never", "--tag", image, str(context), timeout_seconds=300
        )
        shutil.rmtree(context)

    def _import(self, image: str, name: str | None = None) -> None:
        self._archives.mkdir(parents=True, exist_ok=True)
        archive = self._archives / f"{re.sub(r'[^a-z0-9.]+', '-', name or image)}.tar"
        archive.unlink(missing_ok=True)
        target = f"docker-archive:{archive}:{name}" if name else f"oci-archive:{archive}:{image}"
        run("buildah", "push", image, target, timeout_seconds=300)
        self._ctr("images", "import", str(archive))
        archive.unlink()

    def _ctr(self, *arguments: str) -> str:
        return run(
            "ctr", "--address", str(self._where.socket), "--namespace", "k8s.io", *arguments, timeout_seconds=300
        )

    def _context(self, name: str) -> Path:
        context = self._where.root / "build" / name
        shutil.rmtree(context, ignore_errors=True)
        context.mkdir(parents=True)
        return context


def _mirror() -> str:
    """Return this machine's Debian mirror."""
    for line in run("apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)").splitlines():
        codename, _, uri = line.partition(" ")
        if codename == _SUITE:
            return uri
    raise PartFailedError(f"apt of this machine has no source for {_SUITE}: debootstrap needs one")


def _without_kernel_files(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if re.match(r"\./(proc|sys)/", entry.name) else entry
