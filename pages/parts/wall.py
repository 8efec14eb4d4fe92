"""A wall of samples; heatmaps are laid over them in the browser, and their strength is the browser's own affair."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.parts.state import View, gallery

_CSS = """
.bar{display:flex;gap:.6rem;align-items:center;margin:0 0 .4rem;font:inherit;font-size:.82rem;color:var(--st-text-color)}
.bar[hidden]{display:none}
.bar input{accent-color:var(--st-primary-color)}
.wall{display:grid;grid-template-columns:repeat(auto-fill,minmax(88px,1fr));gap:6px}
figure{margin:0;min-width:0;color:var(--st-text-color)}
.cell{position:relative;aspect-ratio:1;border-radius:6px;overflow:hidden;background:var(--st-secondary-background-color);
 font-size:.7rem;text-align:center}
.cell img{position:absolute;inset:0;width:100%;height:100%;object-fit:cover}
.cell img.heat{opacity:var(--heat,.6)}
figcaption{font-size:.68rem;line-height:1.25;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;opacity:.85}
"""
_JS = """
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.root')
  if (!root.dataset.ready) {
    root.dataset.ready = 1
    root.innerHTML = '<div class="bar"><label>heatmap <input type="range" min="0" max="100" value="60" aria-label="Heatmap strength"></label></div><div class="wall"></div>'
    root.querySelector('input').oninput = e => root.style.setProperty('--heat', e.target.value / 100)
  }
  root.querySelector('.bar').hidden = !data.heat
  root.querySelector('.wall').replaceChildren(...data.cells.map(cell => {
    const figure = document.createElement('figure'), box = document.createElement('div'), caption = document.createElement('figcaption')
    box.className = 'cell'
    const add = (kind, url, alt) => {
      const img = document.createElement('img'); img.className = kind; img.alt = alt; img.src = url
      img.onerror = () => { img.remove(); if (kind === 'photo') box.textContent = 'cannot be read' }
      box.append(img)
    }
    add('photo', cell.photo, cell.caption)
    if (cell.heat) add('heat', cell.heat, '')
    caption.textContent = cell.caption; caption.title = cell.caption
    figure.append(box, caption)
    return figure
  }))
}
"""
_wall = st.components.v2.component("neurontune_wall", html="<div class=root></div>", css=_CSS, js=_JS)


def wall(
    view: View, split: str, rows: Sequence[int], captions: Sequence[str], key: str, neuron: int | None = None
) -> None:
    """Show samples of a split; with a neuron, where it looks."""
    if not len(rows):
        st.caption("No such samples.")
    elif not gallery(view.name).has_pictures:
        st.caption(", ".join(captions))
    else:
        cells = []
        for row, caption in zip(rows, captions, strict=True):
            url = f"/nt/picture/{view.name}/{split}/{row}"
            cells.append({"photo": url, "heat": f"{url}/{neuron}" if neuron is not None else None, "caption": caption})
        _wall(data={"cells": cells, "heat": neuron is not None}, key=key)
