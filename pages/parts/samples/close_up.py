"""One sample closely: the picture beside its heatmap, or the whole text; what it is and how sure the heads are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.evaluation.probabilities import class_probabilities
from neurontune_core.head import LinearHead
from pages.parts.frame.state import View
from pages.parts.frame.words import plain

_CSS = """
.root{display:flex;flex-wrap:wrap;gap:8px;color:var(--st-text-color);font-family:var(--st-font);font-size:.72rem}
figure{margin:0;width:var(--side)}
.box{position:relative;aspect-ratio:1;border-radius:6px;overflow:hidden;background:var(--st-secondary-background-color);text-align:center}
img{position:absolute;inset:0;width:100%;height:100%;object-fit:cover}
img.photo + img{opacity:.6}
.text{width:100%;max-height:320px;overflow-y:auto;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.9rem;line-height:1.5;
 border-radius:6px;padding:8px 12px;background:var(--st-secondary-background-color)}
mark{color:inherit;border-radius:3px;padding:0 1px}
.unread{opacity:.45}
"""
_JS = """
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.root')
  root.style.setProperty('--side', data.side + 'px')
  const texts = data.texts.map(text => {
    const made = document.createElement('div')
    made.className = 'text'; made.tabIndex = 0; made.textContent = text
    return made
  })
  const stop = new AbortController()
  if (data.words) fetch(data.words, { signal: stop.signal }).then(answer => answer.ok ? answer.json() : null).then(words => {
    if (words) texts.forEach((made, part) => made.replaceChildren(...marked(data.texts[part], part, words, Infinity)))
  }).catch(() => {}) // it stays unmarked
  root.replaceChildren(...texts, ...data.pictures.map(({ name, layers }) => {
    const figure = document.createElement('figure'), box = document.createElement('div'), caption = document.createElement('figcaption')
    box.className = 'box'
    layers.forEach(([kind, url]) => {
      const image = document.createElement('img')
      image.className = kind; image.alt = name; image.src = url
      image.onerror = () => { image.remove(); if (kind === 'photo') box.textContent = 'This picture cannot be read; is the file damaged or gone?' }
      box.append(image)
    })
    caption.textContent = name
    figure.append(box, caption)
    return figure
  }))
  return () => stop.abort()
}
"""
_MARKED = Path(__file__).with_name("marked.js").read_text(encoding="utf-8")
_shown = st.components.v2.component(
    "neurontune_close_up", html="<div class=root></div>", css=_CSS, js=f"{_MARKED}\n{_JS}"
)


def picture(view: View, split: str, row: int, key: str, neuron: int | None = None, colours: str = "inferno") -> None:
    """One sample large: as the network sees it and, with a neuron, its heatmap alone and over it; or its whole text, with
    the words marked that the neuron goes by."""
    gallery = view.gallery
    texts: list[str] = []
    pictures: list[dict] = []
    if gallery.has_texts:
        try:
            texts = list(gallery.texts(split, row))
        except InputError as error:
            st.error(plain(str(error)))
    elif gallery.has_pictures:
        photo = ("photo", f"/nt/image/{view.name}/{split}/{row}")
        pictures = [{"name": "as the network sees it" if neuron is None else "input", "layers": [photo]}]
        if neuron is not None and gallery.has_model:
            heat = ("heat", f"{photo[1]}/{neuron}?colours={colours}")
            pictures += [{"name": "heatmap", "layers": [heat]}, {"name": "overlay", "layers": [photo, heat]}]
    if texts or pictures:
        explains = texts and neuron is not None and gallery.has_model
        words = f"/nt/words/{view.name}/{split}/{row}/{neuron}" if explains else None
        side = 192 if neuron is None else 140
        _shown(data={"texts": texts, "words": words, "pictures": pictures, "side": side}, key=key)


def facts(view: View, row: int, heads: Mapping[str, LinearHead], key: str) -> None:
    """A sample of the chosen split: its picture or text, label, group, and each head's probabilities."""
    each = view.split.samples
    st.markdown(f"**Sample {plain(str(each.sample_ids[row]))}**")
    picture(view, each.split, row, key)
    group = "" if each.groups is None else f" · group **{plain(each.group_names[each.groups[row]])}**"
    st.markdown(f"It is **{plain(each.class_names[each.labels[row]])}**{group}.")
    shares = class_probabilities(heads, each, row)
    st.dataframe(
        [{"class": label} | {name: 100 * share for name, share in under.items()} for label, under in shares],
        column_config={name: st.column_config.NumberColumn(format="%.1f %%") for name in heads},
        hide_index=True,
        key=f"{key}-shares",
    )
    st.caption("How probable each class is under each head (softmax of its logits).")
