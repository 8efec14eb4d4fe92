"""Turn results into Plotly figures."""
