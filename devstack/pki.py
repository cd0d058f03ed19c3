"""The certificates of the local API server: its own CA, its own name, and one administrator."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devstack.place import write_private
from devstack.ports import HOST

_PEM = serialization.Encoding.PEM
_VALID_FOR = datetime.timedelta(days=3650)


@dataclass(frozen=True)
class Pki:
    """The files of one cluster's keys and certificates."""

    root: Path

    def file(self, name: str) -> Path:
        """Return a file by its usual name, such as ``ca.crt``."""
        return self.root / name

    def ensure(self) -> None:
        """Make everything, once. Certificates name no port, so they outlive a change of ports."""
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
        for name, subject, usage in (
            ("apiserver", _name("kube-apiserver"), ExtendedKeyUsageOID.SERVER_AUTH),
            ("admin", _name("admin", group="system:masters"), ExtendedKeyUsageOID.CLIENT_AUTH),
        ):
            key = ec.generate_private_key(ec.SECP256R1())
            signed = (
                _certificate(subject, key.public_key(), issuer=ca_name, now=now)
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
                .add_extension(_SERVER_NAMES, critical=False)
                .sign(ca_key, hashes.SHA256())
            )
            self._write(name, key, signed)
        # Signs the tokens of ServiceAccounts; a pair of its own, as everywhere.
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


_SERVER_NAMES = x509.SubjectAlternativeName(
    [
        x509.DNSName("localhost"),
        x509.DNSName("kubernetes.default.svc"),
        x509.IPAddress(ipaddress.ip_address(HOST)),
    ]
)


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
        # A minute back: clocks of neighbours differ.
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + _VALID_FOR)
    )
