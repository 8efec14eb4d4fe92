"""Buttons and keys for the previous and next neuron; every press counts, though many share one run of the script."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

_CSS = """
.root{display:flex;gap:.5rem}
button{all:unset;box-sizing:border-box;flex:1;min-width:3.25rem;height:2.5rem;display:flex;gap:.5rem;align-items:center;
 justify-content:center;cursor:pointer;border:1px solid var(--st-border-color);border-radius:var(--st-button-radius);
 color:var(--st-text-color);font-family:var(--st-font)}
button:hover,button:focus-visible{border-color:var(--st-primary-color);color:var(--st-primary-color)}
kbd{font:inherit;font-size:.75rem;opacity:.7}
svg{width:1.1rem;height:1.1rem;fill:none;stroke:currentColor;stroke-width:2}
"""
_JS = """
const STEPS = [['k', -1, 'm15 5-7 7 7 7', 0], ['j', 1, 'm9 5 7 7-7 7', 1]]
export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector('.root')
  root.request = target => setStateValue('target', target)
  root.presses ??= data.presses
  // Otherwise the server has yet to answer a later press, which counts on the list that was shown then.
  if (root.presses === data.presses) [root.place, root.list] = [data.place, data.list]
  if (root.pressed) return
  const step = by => {
    root.place = (root.place + by + data.count) % data.count
    root.request({ place: root.place, list: root.list, presses: ++root.presses })
  }
  for (const [key, by, path, name] of STEPS) {
    const button = document.createElement('button')
    Object.assign(button, { title: `${data.names[name]} (key ${key})`, ariaLabel: data.names[name] })
    button.onclick = () => step(by)
    button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg><kbd>${key}</kbd>`
    root.append(button)
  }
  root.pressed = event => {
    // Not in the function that is returned: Streamlit calls that, too, when new data arrive before it has answered.
    if (!root.isConnected) return document.removeEventListener('keydown', root.pressed)
    const at = event.composedPath()[0]
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || at.isContentEditable) return
    if (at.matches?.('textarea, select, input:not([type=range], [type=radio], [type=checkbox])')) return
    const pressed = STEPS.find(([key]) => key === event.key)
    if (pressed) step(pressed[1])
  }
  document.addEventListener('keydown', root.pressed)
}
"""
_stepper = st.components.v2.component("neurontune_stepper", html="<div class=root></div>", css=_CSS, js=_JS)


def stepper(
    key: str, place: int, count: int, go: Callable[[int, str], None], names: tuple[str, str], listed: str = ""
) -> None:
    """Show two buttons; the keys k and j do the same wherever no text field has the focus.

    The browser keeps the place, so that no press is lost: a late run of the script goes to the place of the last press.

    Args:
        place: 0..count-1, what is shown now.
        go: called with the new place and the list that it counts on, before the script runs.
        names: of the step back and of the step forward.
        listed: names the list, so that a press that arrives after its order has changed finds what it was meant for.
    """
    answered = f"{key}-answered"

    def step() -> None:
        target = st.session_state[key].target
        st.session_state[answered] = target["presses"]
        go(int(target["place"]), str(target["list"]))

    presses = st.session_state.get(answered, 0)
    _stepper(
        data={"names": list(names), "place": place, "count": count, "presses": presses, "list": listed},
        default={"target": {"place": place, "presses": presses, "list": listed}},
        key=key,
        on_target_change=step,
    )
