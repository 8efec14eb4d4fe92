"""Components' data on the way to the browser."""

import subprocess
import sys

PROBE = """
import sys
from streamlit.components.v2.bidi_component.serialization import serialize_mixed_data
from streamlit.proto.BidiComponent_pb2 import BidiComponent
from pages.parts.frame.component_data import component_data
message = BidiComponent()
serialize_mixed_data(component_data({"rows": [{"row": 1}], "colors": ["a"], "name": "Pairs", "photo": None}), message)
print(message.json)
assert not {"pandas", "pyarrow"} & set(sys.modules), "the first picture waits for pandas"
"""


def test_data_reach_the_browser_unchanged_and_without_importing_pandas():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.strip() == '{"rows": [{"row": 1}], "colors": ["a"], "name": "Pairs", "photo": null}'
