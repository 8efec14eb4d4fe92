"""A list of texts; the words that a neuron goes by are marked once they are known."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.parts.state import View, gallery

_CSS = """
.list{display:flex;flex-direction:column;gap:8px;color:var(--st-text-color);font:inherit;font-size:.88rem}
button{all:unset;display:block;cursor:pointer;padding:8px 10px;border-radius:6px;line-height:1.5;
 background:var(--st-secondary-background-color);overflow-wrap:anywhere}
button:focus-visible{outline:2px solid var(--st-primary-color)}
.caption{font-size:.7rem;opacity:.8}
.part + .part{display:block;margin-top:4px;padding-top:4px;border-top:1px dashed currentColor}
mark{color:inherit;border-radius:3px;padding:0 1px}
.unread{opacity:.45}
"""
_JS = """
const FOLD = 240
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.root')
  root.className = 'root list'
  const run = {}
  root.run = run  // what an older list still waits for is dropped
  const shown = data.cells.map(cell => {
    const button = document.createElement('button'), body = document.createElement('div'), caption = document.createElement('div')
    caption.className = 'caption'; caption.textContent = cell.caption
    const state = { cell, body, open: false, found: null }
    button.onclick = () => { state.open = !state.open; paint(state) }
    button.append(body, caption)
    paint(state)
    return [button, state]
  })
  root.replaceChildren(...shown.map(pair => pair[0]))
  const next = async place => {
    if (place >= shown.length || root.run !== run) return
    const state = shown[place][1]
    if (state.cell.url) {
      try { const answer = await fetch(state.cell.url); if (answer.ok) { state.found = await answer.json(); paint(state) } } catch { /* stays unmarked */ }
    }
    next(place + 1)
  }
  next(0)
}
function paint({ cell, body, open, found }) {
  const words = found ? found.words : []
  const most = Math.max(...words.map(word => Math.abs(word[3])), 1e-9)
  const hottest = words.reduce((best, word) => word[3] > (best ? best[3] : 0) ? word : best, null)
  body.replaceChildren(...cell.parts.map((text, part) => {
    const line = document.createElement('span'); line.className = 'part'
    let from = 0, to = text.length
    if (!open && text.length > FOLD) {
      const middle = hottest && hottest[2] === part ? hottest[0] : 0
      from = Math.max(0, Math.min(middle - FOLD / 2, text.length - FOLD)); to = from + FOLD
    }
    if (from > 0) line.append('… ')
    let at = from
    for (const [start, end, where, value] of words) {
      if (where !== part || start < at || end > to) continue
      line.append(text.slice(at, start))
      const mark = document.createElement('mark'), strength = Math.round(75 * Math.abs(value) / most)
      mark.style.background = `color-mix(in srgb, ${value > 0 ? '#e2711d' : '#2f6fb2'} ${strength}%, transparent)`
      mark.title = `${value > 0 ? '+' : ''}${value.toFixed(3)} to how hard the neuron fires`
      mark.textContent = text.slice(start, end)
      line.append(mark); at = end
    }
    const read = found && found.cut ? Math.max(at, Math.min(found.read[part], to)) : to
    line.append(text.slice(at, read))
    if (read < to) { const unread = document.createElement('span'); unread.className = 'unread'; unread.title = 'not read by the network'; unread.textContent = text.slice(read, to); line.append(unread) }
    if (to < text.length) line.append(' …')
    return line
  }))
}
"""
_texts = st.components.v2.component("neurontune_texts", html="<div class=root></div>", css=_CSS, js=_JS)


def texts(
    view: View, split: str, rows: Sequence[int], captions: Sequence[str], key: str, neuron: int | None = None
) -> None:
    """Show texts of a split; with a neuron, the words that it goes by."""
    shelf = gallery(view.name)
    marked = neuron is not None and shelf.has_model
    cells = [
        {
            "parts": list(shelf.texts(split, row)),
            "caption": caption,
            "url": f"/nt/words/{view.name}/{split}/{row}/{neuron}" if marked else None,
        }
        for row, caption in zip(rows, captions, strict=True)
    ]
    _texts(data={"cells": cells}, key=key)
