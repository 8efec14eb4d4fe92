"""One sample closely: its image and heatmap or its whole text, its label, and the probabilities of each head."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from neurontune_core.errors import InputError
from neurontune_core.evaluation.probabilities import class_probabilities
from neurontune_core.head import LinearHead
from pages.parts.frame.component_data import component_data
from pages.parts.frame.view import View
from pages.parts.frame.words import plain
from pages.parts.samples.point_at import point_button

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
  const shown = JSON.stringify(data)
  if (!data.texts.length && root.dataset.shown === shown) return // images stay as they are when λ moves
  root.dataset.shown = shown
  root.style.setProperty('--side', data.side + 'px')
  const texts = data.texts.map(text => {
    const made = document.createElement('div')
    made.className = 'text'; made.tabIndex = 0; made.textContent = text
    return made
  })
  const stop = new AbortController()
  if (data.words) fetch(data.words, { signal: stop.signal }).then(answer => answer.ok ? answer.json() : null).then(words => {
    if (words) texts.forEach((made, part) => made.replaceChildren(...marked(data.texts[part], part, words, Infinity)))
  }).catch(() => {}) // the text stays unmarked
  root.replaceChildren(...texts, ...data.images.map(({ name, layers }) => {
    const figure = document.createElement('figure'), box = document.createElement('div'), caption = document.createElement('figcaption')
    box.className = 'box'
    layers.forEach(([kind, url]) => {
      const image = document.createElement('img')
      image.className = kind; image.alt = name; image.src = url
      image.onerror = () => { image.remove(); if (kind === 'photo') box.textContent = 'This image cannot be read; check that its file exists and is whole.' }
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
_component = st.components.v2.component(
    "neurontune_close_up", html="<div class=root></div>", css=_CSS, js=f"{_MARKED}\n{_JS}"
)


def sample_content(
    view: View, split: str, row: int, key: str, neuron: int | None = None, colors: str = "inferno"
) -> None:
    """Show one sample large: its image as the network sees it, or its whole text.

    Args:
        neuron: show the heatmap of this neuron, alone and over the image; in a text, mark the words it responds to.
    """
    gallery = view.gallery
    texts: list[str] = []
    images: list[dict] = []
    if gallery.has_texts:
        try:
            texts = list(gallery.texts(split, row))
        except InputError as error:
            st.error(plain(str(error)))
    elif gallery.has_images:
        photo = ("photo", f"/nt/image/{view.name}/{split}/{row}")
        images = [{"name": "as the network sees it" if neuron is None else "input", "layers": [photo]}]
        if neuron is not None and gallery.model_note:
            st.caption(f"{gallery.model_note} Heatmaps are not shown.")
        if neuron is not None and gallery.has_model:
            heat = ("heat", f"{photo[1]}/{neuron}?colors={colors}")
            images += [{"name": "heatmap", "layers": [heat]}, {"name": "overlay", "layers": [photo, heat]}]
    if texts or images:
        explains = texts and neuron is not None and gallery.has_model
        words = f"/nt/words/{view.name}/{split}/{row}/{neuron}" if explains else None
        side = 192 if neuron is None else 140
        data = {"texts": texts, "words": words, "images": images, "side": side}
        _component(data=component_data(data), key=key)


def sample_facts(view: View, row: int, heads: Mapping[str, LinearHead], key: str) -> None:
    """Show a sample of the chosen split: image or text, label, group, and the probabilities of each head."""
    samples = view.split.samples
    st.markdown(f"**Sample {plain(str(samples.sample_ids[row]))}**")
    sample_content(view, samples.split, row, key)
    point_button(view, samples.split, row, key)
    group = "" if samples.groups is None else f" · group **{plain(samples.group_names[samples.groups[row]])}**"
    st.markdown(f"Label **{plain(samples.class_names[samples.labels[row]])}**{group}.")
    probabilities = class_probabilities(heads, samples, row)
    st.dataframe(
        [{"class": name} | {head: 100 * share for head, share in by_head.items()} for name, by_head in probabilities],
        column_config={name: st.column_config.NumberColumn(format="%.1f %%") for name in heads},
        hide_index=True,
        key=f"{key}-shares",
    )
    st.caption("Probability of each class under each head (softmax of the logits).")
