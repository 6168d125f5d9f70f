import struct
import zlib

import pytest
from application import Pictures
from stand_in import StandIn, World


@pytest.fixture(scope="session")
def stand_in():
    stand_in = StandIn()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def world(stand_in):
    world = World(stand_in)
    yield world
    world.discard()
    stand_in.reset_clock()


@pytest.fixture
def pictures(world):
    return Pictures(world.graph, world.token, world.phone_number_id)


@pytest.fixture
def photo(tmp_path):
    """A picture that WhatsApp takes: 64 by 64, RGB, 8 bits."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0))
    rows = b"".join(b"\0" + bytes((x * 4, y * 4, x ^ y) [c] for x in range(64) for c in range(3)) for y in range(64))
    path = tmp_path / "photo.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path
