// Texts whose words a person clicks; words_cue.py makes `data`. A click picks a word, a drag or Shift a phrase.
const BACK = ['ArrowLeft', 'ArrowUp'], ON = ['ArrowRight', 'ArrowDown']
const HELP = 'Arrows move between words, Shift and arrows extend a phrase, Enter picks or drops it.'

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector('.root')
  root.report = picked => setTriggerValue('picked', picked)
  const state = JSON.stringify(data.texts)
  if (root.state !== state) {
    root.state = state
    root.texts = data.texts.map((text, part) => new Text(text, part, picked => root.report(picked)))
    root.replaceChildren(...root.texts.map(text => text.view))
  }
  root.texts.forEach(text => text.mark(data.phrases))
}

const bare = text => text.replace(/^[^\p{L}\p{N}$#@]+|[^\p{L}\p{N}]+$/gu, '') || text

class Text {
  constructor(text, part, report) {
    Object.assign(this, { text, part, report, active: 0, anchor: 0, held: false })
    this.view = document.createElement('div')
    Object.assign(this.view, { className: 'text', tabIndex: 0, role: 'listbox', ariaMultiSelectable: 'true', ariaLabel: `Words of the text. ${HELP}` })
    this.words = []
    let end = 0
    for (const { 0: word, index } of text.matchAll(/\S+/g)) {
      const made = document.createElement('span')
      Object.assign(made, { className: 'word', role: 'option', textContent: word, id: `word-${part}-${this.words.length}` })
      made.place = this.words.length
      this.view.append(text.slice(end, index), made)
      end = index + word.length
      this.words.push({ made, start: index, end })
    }
    this.view.append(text.slice(end))
    this.view.onpointerdown = event => this.press(event)
    this.view.onpointermove = event => this.drag(event)
    this.view.onpointerup = () => this.release()
    this.view.onpointerleave = () => { this.held = false; this.paint(true) }
    this.view.onkeydown = event => this.key(event)
  }

  mark(phrases) {
    const found = this.words.map(() => false)
    for (const phrase of phrases) {
      for (let at = this.text.indexOf(phrase); phrase && at >= 0; at = this.text.indexOf(phrase, at + 1)) {
        this.words.forEach(({ start, end }, place) => { found[place] ||= start < at + phrase.length && end > at })
      }
    }
    this.words.forEach(({ made }, place) => {
      made.classList.toggle('marked', found[place])
      made.ariaSelected = String(found[place])
    })
  }

  paint(none = false) {
    const [from, to] = this.span()
    this.words.forEach(({ made }, place) => {
      made.classList.toggle('range', !none && from !== to && place >= from && place <= to)
      made.classList.toggle('active', place === this.active)
    })
    this.view.setAttribute('aria-activedescendant', this.words[this.active]?.made.id ?? '')
  }

  span() { return [Math.min(this.anchor, this.active), Math.max(this.anchor, this.active)] }

  at(event) { return event.target.closest('.word')?.place }

  press(event) {
    const place = this.at(event)
    if (place === undefined || event.button) return
    this.held = true
    this.anchor = this.active = place
    this.paint()
  }

  drag(event) {
    const place = this.at(event)
    if (!this.held || place === undefined) return
    this.active = place
    this.paint()
  }

  release() {
    if (this.held) this.pick()
    this.held = false
  }

  pick() {
    const [from, to] = this.span(), { start } = this.words[from]
    this.report({ phrase: bare(this.text.slice(start, this.words[to].end)), place: start / this.text.length, part: this.part })
    this.anchor = this.active
    this.paint(true)
  }

  key(event) {
    const by = ON.includes(event.key) ? 1 : BACK.includes(event.key) ? -1 : 0
    if (event.ctrlKey || event.metaKey || event.altKey || !this.words.length) return
    if (by) {
      this.active = Math.min(Math.max(this.active + by, 0), this.words.length - 1)
      if (!event.shiftKey) this.anchor = this.active
      this.paint()
      this.words[this.active].made.scrollIntoView({ block: 'nearest' })
    } else if (event.key === 'Enter' || event.key === ' ') this.pick()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
}
