// A wall of samples; only those in view are part of the page. wall.py makes `data` and joins this file to two others.
const GAP = 4, CAPTION = 19, LINE = 20, NAME = 30, PAUSE = 70, LINGER = 600, AT_ONCE = 24, FEW = 4, EXCERPT = 600

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector('.root')
  root.wall ??= new Wall(root, data)
  root.wall.show(data, value => setStateValue('chosen', value))
  return () => root.isConnected || root.wall.rest() // Streamlit also calls this when new data arrive before it has answered
}

const bytes = text => Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), letter => letter.charCodeAt(0)) // many times faster where it exists
const unpacked = text => text === null ? null : new Int32Array(bytes(text).buffer)

class Wall {
  constructor(root, data) {
    const make = (tag, kind, parent) => {
      const made = document.createElement(tag)
      made.className = kind
      parent.append(made)
      return made
    }
    root.replaceChildren()
    this.bar = make('div', 'bar', root)
    this.count = make('span', 'count', this.bar)
    this.count.setAttribute('role', 'status')
    for (const [name, act] of [['all', () => this.all()], ['none', () => this.none()]]) {
      const button = make('button', name, this.bar)
      button.textContent = name
      button.ariaLabel = `Select ${name}`
      button.onclick = act
    }
    this.title = make('span', 'title', this.bar)
    this.strength = make('label', 'strength', this.bar)
    const slider = make('input', '', this.strength)
    Object.assign(slider, { type: 'range', min: 0, max: 100, value: 60, ariaLabel: 'Heatmap strength', title: 'Heatmap strength' })
    slider.oninput = () => root.style.setProperty('--heat', slider.value / 100)
    make('span', 'hint', this.bar).textContent = 'Click or Enter: enlarge. Shift or Ctrl with click or arrow: select. Ctrl+A, Esc'
    this.view = make('div', 'view', root)
    this.space = make('div', 'space', this.view)
    Object.assign(this.view, { tabIndex: 0, role: 'listbox' })
    this.view.onscroll = () => this.draw(PAUSE) // fetch nothing while it scrolls fast
    this.view.onkeydown = event => this.key(event)
    this.view.onclick = event => this.click(event)
    this.root = root
    this.cells = new Map() // place -> its element
    this.texts = new Map() // row -> its parts, once fetched
    this.stop = new AbortController() // of all that is being fetched
    this.rows = []
    this.chosen = new Set(unpacked(data.selected))
    this.opened = data.opened
    this.sizes = new ResizeObserver(() => this.lay())
  }

  show(data, report) {
    const state = JSON.stringify({ ...data, selected: null, opened: null }) // the browser itself holds these two from the first call on
    this.report = report
    this.sizes.observe(this.view)
    if (state === this.state) return
    const same = data.rows === this.data?.rows, first = !this.state
    Object.assign(this, { data, state, rows: unpacked(data.rows), caption: unpacked(data.caption), correct: unpacked(data.correct) })
    if (!same) {
      this.active = this.anchor = first ? Math.max(0, this.rows.indexOf(this.opened)) : 0
      if (!first) this.view.scrollTop = 0
    }
    this.view.ariaLabel = data.name
    this.strength.style.display = data.heat ? '' : 'none'
    this.root.style.setProperty('--lines', data.lines)
    this.title.textContent = data.title
    for (const part of this.bar.children) if (part !== this.strength && part !== this.title) part.style.display = data.several ? '' : 'none'
    this.view.ariaMultiSelectable = String(data.several)
    this.root.style.setProperty('--correct', data.colors[0])
    this.root.style.setProperty('--misclassified', data.colors[1])
    this.clear()
    this.lay()
    if (!same) this.reveal()
  }

  rest() { // the page is left
    this.sizes.disconnect()
    clearTimeout(this.loading)
    clearTimeout(this.reporting)
  }

  lay() {
    const width = this.view.clientWidth - 8
    if (width <= 0) return
    const { side, texts, bare } = this.data
    this.columns = texts && !bare ? 1 : Math.max(1, Math.floor((width + GAP) / (side + GAP)))
    this.width = (width - GAP * (this.columns - 1)) / this.columns
    this.box = bare ? NAME : texts ? this.data.lines * LINE + 18 : this.width - 4
    this.height = this.box + CAPTION + 2 * GAP
    const lines = Math.ceil(this.rows.length / this.columns)
    this.space.style.height = `${lines * this.height}px`
    this.view.style.maxHeight = `${this.data.height}px`
    for (const [place, cell] of this.cells) this.put(cell, place)
    this.draw()
  }

  put(cell, place) {
    cell.style.transform = `translate(${(place % this.columns) * (this.width + GAP)}px,${Math.floor(place / this.columns) * this.height}px)`
    Object.assign(cell.style, { width: `${this.width}px`, height: `${this.height - GAP}px` })
    cell.firstChild.style.height = `${this.box}px`
  }

  clear() {
    this.stop.abort()
    this.stop = new AbortController()
    for (const place of [...this.cells.keys()]) this.drop(place)
  }

  drop(place) {
    this.cells.get(place).remove()
    this.cells.delete(place)
  }

  draw(wait = 0) {
    if (!this.columns) return
    const beyond = this.data.heat ? 0 : 1 // lines fetched above and below; heatmaps are too expensive for that
    const from = Math.max(0, Math.floor(this.view.scrollTop / this.height) - beyond) * this.columns
    const to = Math.min(this.rows.length, (Math.ceil((this.view.scrollTop + this.view.clientHeight) / this.height) + beyond) * this.columns)
    for (const place of [...this.cells.keys()]) if (place < from || place >= to) this.drop(place)
    for (let place = from; place < to; place++) if (!this.cells.has(place)) this.cells.set(place, this.make(place))
    this.mark()
    clearTimeout(this.loading)
    this.loading = setTimeout(() => this.load(), wait)
  }

  make(place) {
    const { captions, texts, several } = this.data, { caption, correct } = this
    const cell = document.createElement('div'), box = document.createElement('div'), line = document.createElement('div')
    const outcome = correct ? ['misclassified', 'correct'][correct[place]] : ''
    cell.className = `${texts && !this.data.bare ? 'card' : 'tile'} ${outcome}`
    cell.id = `cell-${place}`
    cell.place = place
    const text = captions[caption ? caption[place] : place]
    Object.assign(cell, { role: 'option', ariaLabel: outcome ? `${text}, ${outcome}` : text, ariaPosInSet: place + 1, ariaSetSize: this.rows.length })
    box.className = 'box'
    line.className = 'caption'
    if (outcome) {
      const mark = document.createElement('span')
      mark.className = 'mark'
      mark.textContent = outcome === 'correct' ? '✓ ' : '✗ '
      line.append(mark)
    }
    line.append(text)
    line.title = text
    cell.append(box, line)
    if (several) { // for touch screens
      const tick = document.createElement('span')
      tick.className = 'tick'
      tick.title = 'Select'
      cell.append(tick)
    }
    const known = this.data.photo && kept.get(`${this.data.photo}#${this.rows[place]}`)
    if (known) this.paint(cell, 'photo', known)
    this.put(cell, place)
    this.space.append(cell)
    return cell
  }

  async load() {
    const { photo, heat, texts, words } = this.data, stop = this.stop.signal
    const fresh = [...this.cells.values()].filter(cell => !cell.asked)
    for (const cell of fresh) cell.asked = true
    try {
      if (texts) await this.read(fresh, stop)
      else if (photo) await this.fetch(fresh, 'photo', photo, AT_ONCE, stop)
      if (!heat && !words) return
      await new Promise(done => setTimeout(done, LINGER)) // a person who steps on at once causes no expensive work
      if (heat) await this.fetch(fresh, 'heat', `${photo}/${heat}`, FEW, stop)
      else await this.color(fresh, stop)
    } catch (error) {
      if (error.name === 'AbortError') return
      for (const cell of fresh) if (!cell.firstChild.hasChildNodes()) cell.firstChild.textContent = 'cannot be read'
    }
  }

  async fetch(cells, kind, address, most, stop) {
    for (let from = 0; from < cells.length; from += most) {
      stop.throwIfAborted()
      const some = cells.slice(from, from + most).filter(cell => cell.isConnected && !cell.querySelector(`.${kind}`))
      const sources = await fetchImages(address, some.map(cell => this.rows[cell.place]), stop)
      for (const cell of some) this.paint(cell, kind, sources.get(this.rows[cell.place]))
    }
  }

  paint(cell, kind, source) {
    if (source === undefined) {
      if (kind === 'photo') cell.firstChild.textContent = 'cannot be read'
      return
    }
    const made = document.createElement('img')
    made.className = kind
    made.alt = ''
    made.src = source
    made.dataset.row = this.rows[cell.place]
    cell.firstChild.append(made)
  }

  async read(cells, stop) {
    const unread = cells.map(cell => this.rows[cell.place]).filter(row => !this.texts.has(row))
    if (unread.length) {
      const answer = await fetch(`${this.data.texts}?rows=${unread}`, { signal: stop })
      const texts = answer.ok ? await answer.json() : {}
      for (const row of unread) this.texts.set(row, texts[row])
    }
    for (const cell of cells) this.write(cell)
  }

  async color(cells, stop) { // one at a time: each costs a pass of the network
    for (const cell of cells) {
      stop.throwIfAborted()
      const row = this.rows[cell.place]
      if (!cell.isConnected || !this.texts.get(row)) continue
      const answer = await fetch(`${this.data.words[0]}/${row}/${this.data.words[1]}`, { signal: stop })
      if (answer.ok) this.write(cell, await answer.json())
    }
  }

  write(cell, words = null) {
    const parts = this.texts.get(this.rows[cell.place])
    if (!parts) return cell.firstChild.textContent = 'cannot be read'
    cell.classList.toggle('pair', parts.length > 1)
    cell.firstChild.replaceChildren(...parts.map((text, part) => {
      const made = document.createElement('div')
      made.className = 'part'
      made.append(...marked(text, part, words, EXCERPT))
      return made
    }))
  }

  mark() {
    for (const [place, cell] of this.cells) {
      const row = this.rows[place]
      cell.ariaSelected = String(this.chosen.has(row))
      cell.classList.toggle('active', place === this.active)
      cell.classList.toggle('opened', row === this.opened)
    }
    this.view.setAttribute('aria-activedescendant', this.cells.has(this.active) ? `cell-${this.active}` : '')
    const chosen = this.rows.reduce((sum, row) => sum + this.chosen.has(row), 0)
    const count = `${chosen.toLocaleString('en')} of ${this.rows.length.toLocaleString('en')} selected`
    if (this.count.textContent !== count) this.count.textContent = count
  }

  reveal() {
    if (!this.columns) return
    const top = Math.floor(this.active / this.columns) * this.height
    if (top < this.view.scrollTop) this.view.scrollTop = top
    else if (top + this.height > this.view.scrollTop + this.view.clientHeight) this.view.scrollTop = top + this.height - this.view.clientHeight + 8
    this.draw()
  }

  tellServer(wait = 0) {
    this.mark()
    clearTimeout(this.reporting) // not while a key is held
    this.reporting = setTimeout(() => this.report({ rows: [...this.chosen], opened: this.opened }), wait)
  }

  range(keep) {
    if (!this.data.several) return
    if (!keep) this.chosen.clear()
    const [from, to] = [this.anchor, this.active].sort((first, second) => first - second)
    for (let place = from; place <= to; place++) this.chosen.add(this.rows[place])
  }

  flip() {
    const row = this.rows[this.active]
    if (!this.data.several) return
    if (!this.chosen.delete(row)) this.chosen.add(row)
    this.anchor = this.active
  }

  all() {
    if (!this.data.several) return
    this.rows.forEach(row => this.chosen.add(row))
    this.tellServer()
  }

  none() {
    this.chosen.clear()
    this.tellServer()
  }

  click(event) {
    const cell = event.target.closest('[role=option]')
    if (!cell) return
    this.active = cell.place
    if (event.shiftKey) this.range(event.ctrlKey || event.metaKey)
    else if (event.ctrlKey || event.metaKey || event.target.className === 'tick') this.flip()
    else {
      this.anchor = this.active
      this.opened = this.rows[this.active]
    }
    this.tellServer()
  }

  key(event) {
    const many = event.ctrlKey || event.metaKey, page = this.columns * Math.max(1, Math.floor(this.view.clientHeight / this.height))
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }
    const step = steps[event.key]
    if (step !== undefined) {
      const to = Math.min(this.rows.length - 1, this.active + step), line = place => Math.floor(place / this.columns)
      if (to >= 0 && !(event.key === 'ArrowDown' && line(to) === line(this.active))) this.active = to
      else if (['Home', 'PageUp'].includes(event.key)) this.active = 0
      if (event.shiftKey) { this.range(many); this.tellServer(150) } else this.anchor = this.active
      this.mark()
      this.reveal()
    } else if (event.key === ' ' && many) { this.flip(); this.tellServer(150) }
    else if (event.key === ' ' || (event.key === 'Enter' && !many)) { this.opened = this.rows[this.active]; this.tellServer() }
    else if (many && event.key.toLowerCase() === 'a') this.all()
    else if (event.key === 'Escape') {
      if (this.chosen.size) this.chosen.clear()
      else this.opened = null
      this.tellServer()
    } else return
    event.preventDefault()
    event.stopPropagation()
  }
}
