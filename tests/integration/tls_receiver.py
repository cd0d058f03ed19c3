"""A receiver that speaks TLS."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.webhook_receiver import Receiver


@contextmanager
def tls_receiver(folder: Path, name: str) -> Iterator[tuple[Receiver, Path]]:
    """Run a receiver with a certificate for one name; yields it and what has to be trusted."""
    key, subject, now = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.NameAttribute(NameOID.COMMON_NAME, name),
        datetime.now(UTC),
    )
    signed = (
        x509.CertificateBuilder(
            x509.Name([subject]), x509.Name([subject]), key.public_key(), x509.random_serial_number()
        )
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    both, public = folder / "both.pem", folder / "public.pem"
    public.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both.write_bytes(private + public.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    receiver = Receiver("127.0.0.1")
    receiver.speak_tls(context)
    with receiver.serving():
        yield receiver, public
