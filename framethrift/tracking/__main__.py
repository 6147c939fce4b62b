"""`python -m framethrift.tracking results/<study>`: send the study's spool to MLflow."""

import sys

from framethrift.config.layout import Layout
from framethrift.tracking.push import push_pending
from framethrift.tracking.store import TrackingError

if len(sys.argv) != 2:
    sys.exit("usage: python -m framethrift.tracking results/<study>")
try:
    push_pending(Layout(sys.argv[1]))
except TrackingError as error:  # the stage that started this process shows the last line of stderr
    sys.exit(str(error))
