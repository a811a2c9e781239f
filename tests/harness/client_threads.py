"""Clients in threads that go on until they are told to stop."""

import threading


class ClientThreads:
    """`loop(number)`, which a subclass has, runs in `clients` threads from `start` to `stop`, looking at `stopping`.

    What a loop raises ends it, and is raised again once all have ended.
    """

    def __init__(self, clients):
        self.clients = clients
        self.stopping = threading.Event()
        self.threads, self.faults = [], []

    def start(self):
        self.stopping.clear()
        self.threads = [threading.Thread(target=self.kept, args=(number,)) for number in range(self.clients)]
        for thread in self.threads:
            thread.start()
        return self

    def kept(self, number):
        try:
            self.loop(number)
        except Exception as fault:
            self.faults.append(fault)

    def join(self):
        for thread in self.threads:
            thread.join()
        if self.faults:
            raise self.faults[0]

    def stop(self):
        self.abandon()
        self.join()

    def abandon(self):
        """As stop, whatever was found: clients that went on would outlive their test."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()
