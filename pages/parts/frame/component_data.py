"""What a component of ours is given, in a form that Streamlit passes on without importing pandas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def component_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data with its lists as tuples, which JSON writes alike.

    Of a list on the first level Streamlit asks whether it is a table, for which it imports pandas and pyarrow: a second
    or more before the first picture.

    >>> component_data({"rows": [1, 2], "name": "Pairs"})
    {'rows': (1, 2), 'name': 'Pairs'}
    """
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
