// The same sample in two or more versions side by side; pair_cards.py makes `data` and joins this file to image_strip.js.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.root'), stop = new AbortController(), boxes = new Map() // address -> row -> its boxes
  const make = (tag, kind, parent, text = '') => {
    const made = document.createElement(tag)
    made.className = kind
    made.textContent = text
    parent.append(made)
    return made
  }
  const state = JSON.stringify(data)
  if (root.state === state) return
  root.state = state
  root.style.setProperty('--correct', data.colors[0])
  root.style.setProperty('--misclassified', data.colors[1])
  root.replaceChildren()
  const list = make('ul', data.images ? 'images' : 'texts', root)
  list.ariaLabel = data.name
  if (data.pairs[0]?.sides.length > 2) {
    list.classList.add('several')
    list.style.setProperty('--least', '228px')
  }
  for (const pair of data.pairs) {
    const card = make('li', pair.changes ? 'card changes' : 'card', list)
    const head = make('div', 'head', card)
    make('span', '', head, `label: ${pair.label}`)
    make('span', 'note', head, pair.changes ? '≠ prediction changes' : '= same prediction')
    const both = make('div', 'both', card)
    for (const side of pair.sides) {
      const outcome = side.correct ? 'correct' : 'misclassified'
      const figure = make('figure', outcome, both), box = make('div', 'box', figure)
      make('div', 'attribute', figure, side.attribute).title = side.attribute
      figure.prepend(figure.lastChild)
      for (const [text, differs] of side.pieces) make(differs ? 'mark' : 'span', '', box, text)
      if (data.images) {
        const rows = boxes.get(side.photo) ?? new Map()
        boxes.set(side.photo, rows.set(side.row, [...(rows.get(side.row) ?? []), box]))
        box.role = 'img'
        box.ariaLabel = `${pair.label}, ${side.attribute}`
      }
      const line = make('figcaption', '', figure)
      make('span', 'mark', line, side.correct ? '✓ ' : '✗ ').ariaHidden = 'true'
      line.append(`${side.predicted} ${side.confidence}`)
      line.title = `${outcome}: predicted ${side.predicted} with a probability of ${side.confidence}`
      line.ariaLabel = line.title
    }
  }
  for (const [address, rows] of boxes) {
    fetchImages(address, [...rows.keys()], stop.signal).then(sources => {
      for (const [row, places] of rows) for (const box of places) {
        if (!sources.has(row)) { box.textContent = 'cannot be read'; continue }
        const image = make('img', '', box)
        image.alt = ''
        image.src = sources.get(row)
      }
    }).catch(() => { root.state = null }) // another call asks again
  }
  return () => { if (!root.isConnected) stop.abort() }
}
