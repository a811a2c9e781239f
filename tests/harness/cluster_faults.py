"""What may happen to a node of a cluster. Each fault is a context: it holds inside, and is over, not always mended, after."""

import contextlib
import random
import threading

from harness.records import flip, records_of


@contextlib.contextmanager
def killed(cluster, node, rng):
    """kill -9; started again at the end."""
    node.kill()
    yield
    node.launch()


@contextlib.contextmanager
def killed_for_a_moment(cluster, node, rng):
    """kill -9, and at once up again, before anybody may have noticed."""
    node.kill()
    node.launch()
    yield


@contextlib.contextmanager
def stopped(cluster, node, rng):
    """As an operator stops it."""
    node.ask_to_stop()
    yield
    node.stop(60)
    node.launch()


@contextlib.contextmanager
def frozen(cluster, node, rng):
    node.freeze()
    yield
    node.thaw()


@contextlib.contextmanager
def parted(cluster, node, rng):
    """Neither hears the others nor is heard by them."""
    cluster.network.part([node.number])
    yield
    cluster.network.heal()


def deaf(cluster, node, rng):
    """Is heard, and hears nothing."""
    return cut(cluster, [(other, node.number) for other in others(cluster, node)])


def mute(cluster, node, rng):
    """Hears, and is not heard."""
    return cut(cluster, [(node.number, other) for other in others(cluster, node)])


def estranged(cluster, node, rng):
    """Does not reach one of the others, and that one not it; both reach the rest."""
    other = rng.choice(others(cluster, node))
    return cut(cluster, [(other, node.number), (node.number, other)])


def others(cluster, node):
    return [host for host in cluster.network.hosts if host != node.number]


@contextlib.contextmanager
def cut(cluster, ways):
    """Nothing arrives by these ways, each from one host to another."""
    for source, target in ways:
        cluster.network.cut_way(source, target)
    yield
    cluster.network.heal()


@contextlib.contextmanager
def flapping(cluster, node, rng):
    """Parted and reached again, several times a second to every other second."""
    ended, pauses = threading.Event(), random.Random(rng.random())

    def flap():
        while not ended.is_set():
            cluster.network.part([node.number])
            ended.wait(pauses.uniform(0.05, 2))
            cluster.network.heal()
            ended.wait(pauses.uniform(0.05, 2))

    thread = threading.Thread(target=flap)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        cluster.network.heal()


@contextlib.contextmanager
def lossy(cluster, node, rng):
    """Every fifth packet to it is lost."""
    cluster.network.lose(node.number, 0.2)
    yield
    cluster.network.heal()


@contextlib.contextmanager
def ahead(cluster, node, rng):
    """Its clock is an hour wrong, and at the end right again: two jumps."""
    node.kill()
    node.clock_offset = rng.choice([-3600, 3600])
    node.launch()
    yield
    node.kill()
    node.clock_offset = 0
    node.launch()


@contextlib.contextmanager
def flipped(cluster, node, rng, count=20):
    """One byte in each of so many records on its drives."""
    records = [record for drive in node.drives for record in records_of(drive)]
    for record in rng.sample(records, min(count, len(records))):
        regions = record.regions()
        flip(record.path, regions[rng.choice(sorted(regions))])
    yield


@contextlib.contextmanager
def full(cluster, node, rng):
    """Its drives have no space left. They must be file systems of their own."""
    balloons = [drive.parent / "balloon" for drive in node.drives]
    for balloon in balloons:
        fill(balloon)
    yield
    for balloon in balloons:
        balloon.unlink()


def fill(balloon):
    block = b"x" * (1 << 20)
    with open(balloon, "wb", buffering=0) as file:
        try:
            while file.write(block):
                pass
        except OSError:
            pass  # ENOSPC.


OF_PROCESSES = [killed, killed_for_a_moment, stopped, frozen, ahead]
OF_NETWORKS = [parted, deaf, mute, estranged, flapping, lossy]
OF_DRIVES = [full, flipped]
