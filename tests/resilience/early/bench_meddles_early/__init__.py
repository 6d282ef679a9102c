"""Changes the process of whoever imports it."""

import os
import signal

os.chdir("/")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
