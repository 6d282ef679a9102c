"""Never comes back to whoever imports it."""

import time

time.sleep(97533)
