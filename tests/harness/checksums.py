"""The checksums of S3, computed apart from any SDK."""

import base64
import hashlib
import zlib

CRC64NVME_POLYNOMIAL = 0x9A6C9329AC4BC9B5  # Reflected.
CRC32C_POLYNOMIAL = 0x82F63B78             # Reflected.


def table(polynomial):
    rows = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        rows.append(value)
    return rows


TABLES = {"CRC32C": (table(CRC32C_POLYNOMIAL), 32), "CRC64NVME": (table(CRC64NVME_POLYNOMIAL), 64)}


def crc(name, data):
    rows, bits = TABLES[name]
    mask = (1 << bits) - 1
    value = mask
    for byte in data:
        value = rows[(value ^ byte) & 0xFF] ^ (value >> 8)
    return (value ^ mask).to_bytes(bits // 8, "big")


def raw(name, data):
    """The checksum's bytes, big endian."""
    if name == "CRC32":
        return zlib.crc32(data).to_bytes(4, "big")
    if name in TABLES:
        return crc(name, data)
    return hashlib.new(name.lower(), data).digest()


def b64(name, data):
    return base64.b64encode(raw(name, data)).decode()


def composite(name, parts):
    """What AWS calls COMPOSITE: the checksum of the parts' checksums."""
    return b64(name, b"".join(raw(name, part) for part in parts)) + f"-{len(parts)}"
