"""A wall of samples; heatmaps are laid over them in the browser, and a click or Enter picks one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.parts.state import View, gallery
from pages.parts.texts import texts

_CSS = """
.bar{display:flex;gap:.6rem;align-items:center;margin:0 0 .4rem;font:inherit;font-size:.82rem;color:var(--st-text-color)}
.bar[hidden]{display:none}
.bar input{accent-color:var(--st-primary-color)}
.wall{display:grid;grid-template-columns:repeat(auto-fill,minmax(var(--side),1fr));gap:6px}
button{all:unset;display:block;min-width:0;color:var(--st-text-color);cursor:pointer}
.cell{position:relative;aspect-ratio:1;border-radius:6px;overflow:hidden;background:var(--st-secondary-background-color);
 font-size:.7rem;text-align:center;outline:2px solid transparent;outline-offset:1px}
button:focus-visible .cell,button[aria-pressed=true] .cell{outline-color:var(--st-primary-color)}
.cell img{position:absolute;inset:0;width:100%;height:100%;object-fit:cover}
.cell img.photo + img.heat{opacity:var(--heat,.6)}
.caption{font-size:.7rem;line-height:1.3;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;opacity:.85}
"""
_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.root')
  if (!root.dataset.ready) {
    root.dataset.ready = 1
    root.innerHTML = '<div class="bar"><label>heatmap <input type="range" min="0" max="100" value="60" aria-label="Heatmap strength"></label></div><div class="wall" role="group"></div>'
    root.querySelector('input').oninput = e => root.style.setProperty('--heat', e.target.value / 100)
  }
  root.style.setProperty('--side', data.side + 'px')
  root.querySelector('.bar').hidden = !data.strength
  const wall = root.querySelector('.wall'), photos = [], heats = []
  wall.replaceChildren(...data.cells.map((cell, place) => {
    const button = document.createElement('button'), box = document.createElement('div'), caption = document.createElement('div')
    box.className = 'cell'; caption.className = 'caption'
    button.setAttribute('aria-pressed', cell.row === data.picked)
    button.setAttribute('aria-label', cell.caption)
    const add = (kind, url) => {
      const img = document.createElement('img'); img.className = kind; img.alt = ''
      const ended = new Promise(resolve => {
        img.onload = resolve
        img.onerror = () => { img.remove(); if (kind === 'photo') box.textContent = 'cannot be read'; resolve() }
      })
      box.append(img)
      if (kind === 'photo') { img.src = url; photos.push(ended) } else { heats.push(() => { img.src = url }) }
    }
    if (cell.photo) add('photo', cell.photo)
    if (cell.heat) add('heat', cell.heat)
    caption.textContent = cell.caption; caption.title = cell.caption
    button.onclick = () => setTriggerValue('picked', cell.row)
    button.onkeydown = e => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key]
      if (step) { e.preventDefault(); wall.children[place + step]?.focus() }
    }
    button.append(box, caption)
    return button
  }))
  Promise.all(photos).then(() => heats.forEach(start => start()))  // a browser opens few connections: pictures go first
}
"""
_wall = st.components.v2.component("neurontune_wall", html="<div class=root></div>", css=_CSS, js=_JS)


def wall(
    view: View,
    split: str,
    rows: Sequence[int],
    captions: Sequence[str],
    key: str,
    neuron: int | None = None,
    *,
    colours: str = "inferno",
    picked: int | None = None,
) -> int | None:
    """Show samples of a split; with a neuron, where it looks. Returns the row that was clicked just now."""
    if not len(rows):
        st.caption("No such samples.")
        return None
    if gallery(view.name).has_texts:
        texts(view, split, rows, captions, key, neuron)
        return None
    if not gallery(view.name).has_pictures:
        st.caption(", ".join(captions))
        return None
    cells = []
    for row, caption in zip(rows, captions, strict=True):
        photo, heat = _addresses(view, split, row, neuron, colours)
        cells.append({"row": int(row), "photo": photo, "heat": heat, "caption": caption})
    data = {"cells": cells, "strength": neuron is not None, "side": 88, "picked": picked}
    return _wall(data=data, key=key, on_picked_change=lambda: None).picked


def close_up(view: View, split: str, row: int, neuron: int, colours: str, key: str) -> None:
    """One sample large: as the network sees it, the heatmap, one over the other."""
    if not gallery(view.name).has_pictures:
        return
    photo, heat = _addresses(view, split, row, neuron, colours)
    kinds = (("input", photo, None), ("heatmap", None, heat), ("overlay", photo, heat))
    cells = [{"row": row, "photo": over, "heat": under, "caption": name} for name, over, under in kinds]
    _wall(data={"cells": cells, "strength": False, "side": 140, "picked": None}, key=key, on_picked_change=lambda: None)


def _addresses(view: View, split: str, row: int, neuron: int | None, colours: str) -> tuple[str, str | None]:
    photo = f"/nt/picture/{view.name}/{split}/{row}"
    return photo, None if neuron is None else f"{photo}/{neuron}?colours={colours}"
