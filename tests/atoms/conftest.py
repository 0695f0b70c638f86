"""The atoms' tests share the engine's fixtures: both run in one Django."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_path = Path(__file__).resolve().parent.parent / "engine" / "conftest.py"
_name = "webstreet_engine_conftest"
if _name not in sys.modules:
    _spec = importlib.util.spec_from_file_location(_name, _path)
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules[_name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_name])

globals().update({k: v for k, v in vars(sys.modules[_name]).items() if not k.startswith(("__", "pytest_"))})

# pytest asks the conftest beside a test only.
pytest_runtest_setup = vars(sys.modules[_name])["pytest_runtest_setup"]
