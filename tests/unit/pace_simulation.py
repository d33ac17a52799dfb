"""Workers in simulated time: a thread each, of which one runs at a time, in the order of the moments."""

import heapq
import itertools
import threading

EPOCH_NS = 1_795_212_000 * 10**9


class Simulation:
    """Runs functions at once, without a real second passing: only ``sleep`` lets time go on."""

    def __init__(self):
        self.now_ns = EPOCH_NS
        self._due = []
        self._number = itertools.count()
        self._turn_over = threading.Semaphore(0)
        self._errors = []

    def sleep(self, seconds):
        """Let the others run until this moment is reached."""
        mine = self._enqueue(seconds)
        self._turn_over.release()
        mine.acquire()

    def run(self, functions):
        """Run functions from now on until all have ended."""
        for function in functions:
            threading.Thread(target=self._play, args=(function, self._enqueue(0)), daemon=True).start()
        while self._due:
            self.now_ns, _, turn = heapq.heappop(self._due)
            turn.release()
            assert self._turn_over.acquire(timeout=60), "a worker waits for something else"
        if self._errors:
            raise self._errors[0]

    def _enqueue(self, seconds):
        turn = threading.Semaphore(0)
        heapq.heappush(self._due, (self.now_ns + round(seconds * 1e9), next(self._number), turn))
        return turn

    def _play(self, function, turn):
        turn.acquire()
        try:
            function()
        except BaseException as error:
            self._errors.append(error)
        self._turn_over.release()


class SlowTable:
    """A DynamoDB client whose requests and answers take their time; counts the writes."""

    def __init__(self, client, simulation, latency):
        self._client = client
        self._simulation = simulation
        self._latency = latency
        self.writes = 0

    def update_item(self, **request):
        self.writes += 1
        self._simulation.sleep(self._latency())
        try:
            return self._client.update_item(**request)
        finally:
            self._simulation.sleep(self._latency())


def most_in_a_second(starts_ns):
    """Count the starts in the fullest sliding second."""
    starts = sorted(starts_ns)
    return max(sum(start <= other < start + 10**9 for other in starts) for start in starts)
