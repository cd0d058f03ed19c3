"""The keys and certificates of a local cluster: one CA, and a certificate for each server and client."""

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devstack.paths import write_private
from devstack.ports import HOST

_PEM = serialization.Encoding.PEM
_VALID_FOR = datetime.timedelta(days=3650)


@dataclass(frozen=True)
class Subject:
    """The holder of a certificate: a server if it has hosts (names or addresses), else a client."""

    # The name of its files.
    name: str
    common_name: str
    group: str | None = None
    hosts: tuple[str, ...] = ()


ADMIN = Subject("admin", "admin", group="system:masters")
_API_SERVER = Subject("apiserver", "kube-apiserver", hosts=("localhost", "kubernetes.default.svc", HOST))


@dataclass(frozen=True)
class Pki:
    """The files of one cluster's keys and certificates."""

    root: Path
    subjects: Sequence[Subject] = (_API_SERVER, ADMIN)

    def file(self, name: str) -> Path:
        """Return a file by its usual name, such as ``ca.crt``."""
        return self.root / name

    def ensure(self) -> None:
        """Create all keys and certificates once. They name no port, so they survive a change of ports."""
        if self.file("complete").exists():
            return
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca_name = _name("video-uploads-local-ca")
        now = datetime.datetime.now(datetime.UTC)
        ca = (
            _certificate(ca_name, ca_key.public_key(), issuer=ca_name, now=now)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        self._write("ca", ca_key, ca)
        for subject in self.subjects:
            key = ec.generate_private_key(ec.SECP256R1())
            name = _name(subject.common_name, group=subject.group)
            unsigned = _certificate(name, key.public_key(), issuer=ca_name, now=now)
            for extension, is_critical in _extensions(subject, ca_key.public_key()):
                unsigned = unsigned.add_extension(extension, critical=is_critical)
            self._write(subject.name, key, unsigned.sign(ca_key, hashes.SHA256()))
        # This pair signs the tokens of ServiceAccounts.
        self._write("service-accounts", ec.generate_private_key(ec.SECP256R1()), None)
        self.file("complete").touch()

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate | None) -> None:
        private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        write_private(self.file(f"{name}.key"), private.decode())
        if certificate is not None:
            self.file(f"{name}.crt").write_bytes(certificate.public_bytes(_PEM))
        else:
            public = key.public_key().public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            self.file(f"{name}.pub").write_bytes(public)


def _extensions(subject: Subject, ca_key: ec.EllipticCurvePublicKey) -> list[tuple[x509.ExtensionType, bool]]:
    usage = ExtendedKeyUsageOID.SERVER_AUTH if subject.hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.ExtendedKeyUsage([usage]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key), False),
    ]
    if subject.hosts:
        extensions.append((x509.SubjectAlternativeName([_host(host) for host in subject.hosts]), False))
    return extensions


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(common_name: str, *, group: str | None = None) -> x509.Name:
    organisation = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
    return x509.Name([*organisation, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(
    subject: x509.Name, public_key: ec.EllipticCurvePublicKey, *, issuer: x509.Name, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        # An hour back, as public authorities do, because clocks differ.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _VALID_FOR)
    )
