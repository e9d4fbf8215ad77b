"""Ray, made up: the few functions that are used of it, in this process."""

import pickle
import random
import types

from mien.runtime.cluster import RETRIES


class Lost(Exception):
    """As Ray's own errors."""


class Raised(Exception):
    """As Ray's error of a call that raised one."""

    def __init__(self, cause):
        self.cause = cause


class Ray(types.ModuleType):
    """What is used of Ray, in this process: calls are done one by one, in any order, when somebody waits.

    Attributes:
        most: calls that were under way at the same time.
        kept: results that nobody has taken.
        lost: items whose workers die, again and again.
    """

    def __init__(self, cores=2):
        super().__init__("ray")
        self.exceptions = types.SimpleNamespace(RayTaskError=Raised, RayError=Lost)
        self.cores, self.began, self.ended, self.cancelled = cores, [], 0, 0
        self.waiting, self.done, self.most, self.kept, self.lost = {}, {}, 0, 0, ()
        self.draw = random.Random(0)

    def is_initialized(self):
        return len(self.began) > self.ended

    def init(self, **options):
        self.began.append(options)

    def shutdown(self):
        self.ended += 1

    def cluster_resources(self):
        return {"CPU": float(self.cores)}

    def remote(self, num_cpus, max_retries):
        assert (num_cpus, max_retries) == (self.threads, RETRIES)

        def submit(*arguments):
            number = len(self.waiting) + len(self.done)
            self.waiting[number] = pickle.dumps(arguments)  # as it is sent to another machine
            undone = [other for other in self.waiting if other not in self.done]
            self.most, self.kept = max(self.most, len(undone)), max(self.kept, len(self.waiting))
            return number

        def decorate(function):
            self.function = function
            return types.SimpleNamespace(remote=submit)

        return decorate

    threads = 1

    def _do(self, number):
        job, call, item = pickle.loads(self.waiting[number])
        try:
            assert item not in self.lost
            self.done[number] = pickle.dumps(self.function(job, call, item))
        except AssertionError:
            self.done[number] = Lost("The worker died.\nIts number was 7.")
        except Exception as error:
            self.done[number] = Raised(error)

    def wait(self, tasks, num_returns):
        chosen = self.draw.choice(tasks)
        if chosen not in self.done:
            self._do(chosen)
        return [chosen], [task for task in tasks if task != chosen]

    def get(self, number):
        if number not in self.done:
            self._do(number)
        found = self.done[number]
        if isinstance(found, Exception):
            raise found
        return pickle.loads(found)

    def cancel(self, number):
        self.cancelled += 1
