"""Tell whoever builds how far the build is, in one line, and keep quiet otherwise.

On a terminal the line is written anew in its place; elsewhere each chapter that is
done is a line. What Sphinx and Jupyter Book say goes to the log.
"""

import shutil
import time


def about(seconds):
    """Say a time that is only roughly known."""
    if seconds < 50:
        return "less than a minute left"
    minutes = round(seconds / 60)
    return f"about {minutes} minute{'s' if minutes > 1 else ''} left"


class Progress:
    """A line that says what is done, what runs, and how long the rest may take.

    Parameters
    ----------
    stream : file, optional
        Where to write; nowhere without it.
    """

    def __init__(self, stream=None):
        self.stream = stream
        self.waiting = {}
        self.running = []
        self.done = 0
        self.total = 0
        self._cleared = True

    def expect(self, seconds, at_a_time):
        """Take note of the chapters that are to run, with their seconds if known."""
        known = [s for s in seconds.values() if s is not None]
        usual = sum(known) / len(known) if known else 20.0
        self.waiting = {name: usual if s is None else s for name, s in seconds.items()}
        self.total, self.done, self.running = len(seconds), 0, []
        self.work = sum(self.waiting.values())
        self.at_a_time = at_a_time
        self.started = time.monotonic()
        if self.total:
            self.say(
                f"Running the cells of {self.total} chapter{'s' * (self.total > 1)}, "
                f"{at_a_time} at a time"
            )

    def left(self):
        """Estimate the seconds that are left, from those that the others took."""
        rest = sum(self.waiting.values())
        if rest == self.work:
            return rest / self.at_a_time
        passed = time.monotonic() - self.started
        return passed * rest / (self.work - rest)

    def begin(self, name):
        """Note that a chapter begins."""
        self.running.append(name.rpartition("/")[2])
        if self.on_terminal:
            self.passing(self._so_far(", ".join(self.running)))

    def end(self, name):
        """Note that a chapter is done, well or not."""
        short = name.rpartition("/")[2]
        self.running.remove(short)
        self.waiting.pop(name)
        self.done += 1
        if self.on_terminal:
            self.passing(self._so_far(", ".join(self.running)))
        elif self.stream is not None:
            print(f"    {self._so_far(short)}", file=self.stream, flush=True)

    def _so_far(self, names):
        rest = f", {about(self.left())}" if self.waiting else ""
        named = f" ({names})" if names else ""
        return f"chapter {self.done} of {self.total} done{named}{rest}"

    @property
    def on_terminal(self):
        """Whether a line can be written anew."""
        return self.stream is not None and self.stream.isatty()

    def passing(self, text):
        """Write a line that the next one takes the place of, if this is a terminal."""
        if self.on_terminal:
            width = shutil.get_terminal_size().columns - 1
            self.stream.write("\r\x1b[K" + f"    {text}"[:width])
            self.stream.flush()
            self._cleared = False

    def clear(self):
        """Take away the line that passes."""
        if not self._cleared:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self._cleared = True

    def say(self, text):
        """Write a line that stays."""
        if self.stream is not None:
            self.clear()
            print(f"==> {text}", file=self.stream, flush=True)


progress = Progress()
