"""handshake - the first message of WireGuard's handshake, with any time in it (https://www.wireguard.com/protocol/).

A PC's clock cannot be set in a network namespace, and what is left of a session with a wrong one is this message.
"""
import base64
import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SIZE = 148
TAI64 = 1 << 62


def digest(*parts):
    return hashlib.blake2s(b"".join(parts)).digest()


def derive(key, data):
    """KDF2: the next chaining key, and a key."""
    secret = hmac.digest(key, data, "blake2s")
    first = hmac.digest(secret, b"\1", "blake2s")
    return first, hmac.digest(secret, first + b"\2", "blake2s")


def raw(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def initiation(private, peer, unix_seconds):
    """`private` and `peer` as wg prints them."""
    own = X25519PrivateKey.from_private_bytes(base64.b64decode(private))
    theirs = base64.b64decode(peer)
    once = X25519PrivateKey.generate()
    chain = digest(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
    seen = digest(digest(chain, b"WireGuard v1 zx2c4 Jason@zx2c4.com"), theirs)
    chain = derive(chain, raw(once))[0]
    seen = digest(seen, raw(once))
    message = struct.pack("<II", 1, int.from_bytes(os.urandom(4), "little")) + raw(once)
    stamp = struct.pack(">QI", TAI64 + 10 + unix_seconds, 0)
    for secret, plain in ((once, raw(own)), (own, stamp)):
        chain, key = derive(chain, secret.exchange(X25519PublicKey.from_public_bytes(theirs)))
        sealed = ChaCha20Poly1305(key).encrypt(bytes(12), plain, seen)
        seen = digest(seen, sealed)
        message += sealed
    message += hashlib.blake2s(message, digest_size=16, key=digest(b"mac1----", theirs)).digest()
    return message + bytes(16)
