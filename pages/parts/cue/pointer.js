// A whole picture with a box over what a person points at; pointer.py makes `data`. Boxes are [x, y, width, height] in 0..1.
const STEP = 0.02, LEAST = 0.02, FIRST = 0.3, NEAR = 12, PAUSE = 350 // NEAR: pixels from a corner; PAUSE: ms after a key
const SIDES = ['left', 'top', 'width', 'height']
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector('.root')
  root.pointer ??= new Pointer(root)
  root.pointer.show(data, box => setStateValue('pointed', { picture: data.picture, box }))
}

const within = (value, low, high) => Math.min(Math.max(value, low), high)
const round = value => Math.round(value * 1e4) / 1e4
const percent = value => Math.round(value * 100)

class Pointer {
  constructor(root) {
    root.innerHTML = `<div class=stage tabindex=0 role=application><img alt=""><div class=box>
      ${['nw', 'ne', 'sw', 'se'].map(corner => `<i class="handle ${corner}"></i>`).join('')}</div>
      <p class=invite>Drag over what you think the classifier looks at</p></div>
      <div class=side><div class=title>Cut-out</div><div class=cut></div><div class=fields role=group aria-label="Box, in percent of the picture">
      ${SIDES.map(side => `<label>${side}, %<input type=number min=0 max=100 step=1></label>`).join('')}</div>
      <p class=hint><kbd>arrows</kbd> move, <kbd>Shift</kbd>+<kbd>arrows</kbd> resize, <kbd>Esc</kbd> clears</p></div>
      <span class=unseen role=status></span>`
    const find = kind => root.querySelector(`.${kind}`)
    this.stage = find('stage')
    this.image = root.querySelector('img')
    this.frame = find('box')
    this.cut = find('cut')
    this.status = root.querySelector('[role=status]')
    this.fields = [...root.querySelectorAll('input')]
    this.stage.ariaRoleDescription = 'picture to draw a box on'
    this.stage.onpointerdown = event => this.press(event)
    this.stage.onpointermove = event => this.drag(event)
    this.stage.onpointerup = this.stage.onpointercancel = event => this.release(event)
    this.stage.onkeydown = event => this.key(event)
    this.fields.forEach(field => { field.onchange = () => this.type() })
    this.shape = 1 // width / height of the picture
  }

  show(data, report) {
    this.report = report
    if (data.picture === this.picture) return // the browser itself holds the box of the picture that is shown
    this.picture = data.picture
    this.image.onerror = () => { this.cut.textContent = 'This picture cannot be read; check that its file exists and is whole.' }
    this.image.onload = () => {
      this.shape = this.image.naturalWidth / this.image.naturalHeight
      Object.assign(this.stage.style, { aspectRatio: this.shape, maxWidth: `${data.side * Math.min(1, this.shape)}px` })
      this.draw(this.box)
    }
    this.image.src = this.source = data.source
    this.stage.ariaLabel = `${data.name}. Enter places a box, arrows move it, Shift and arrows resize it, Escape removes it.`
    this.held = null
    this.draw(data.box)
  }

  draw(box) { // null for none
    this.box = box && [round(box[0]), round(box[1]), Math.min(round(box[2]), 1 - round(box[0])), Math.min(round(box[3]), 1 - round(box[1]))]
    this.stage.classList.toggle('drawn', !!box)
    this.fields.forEach((field, place) => { field.value = box ? percent(box[place]) : '' })
    this.cut.replaceChildren()
    if (!box) {
      this.cut.textContent = 'no box yet'
      this.status.textContent = 'No box.'
      return
    }
    const [x, y, width, height] = box
    Object.assign(this.frame.style, Object.fromEntries(SIDES.map((side, place) => [side, `${100 * box[place]}%`])))
    const piece = document.createElement('div'), tall = Math.min(112 / width / this.shape, 84 / height), wide = tall * this.shape
    piece.className = 'piece'
    Object.assign(piece.style, {
      width: `${width * wide}px`, height: `${height * tall}px`, backgroundImage: `url("${this.source}")`,
      backgroundSize: `${wide}px ${tall}px`, backgroundPosition: `${-x * wide}px ${-y * tall}px`,
    })
    this.cut.append(piece)
    this.status.textContent = `Box: ${SIDES.map((side, place) => `${side} ${percent(box[place])} %`).join(', ')}.`
  }

  tell(wait = 0) {
    clearTimeout(this.telling) // not while a key is held
    this.telling = setTimeout(() => this.report(this.box), wait)
  }

  place(event) { // in 0..1
    const { left, top, width, height } = this.stage.getBoundingClientRect()
    return [within((event.clientX - left) / width, 0, 1), within((event.clientY - top) / height, 0, 1)]
  }

  press(event) {
    if (event.button) return
    this.stage.setPointerCapture(event.pointerId)
    const at = this.place(event), { clientWidth: wide, clientHeight: tall } = this.stage
    this.held = { at, before: this.box, from: at, offset: null }
    if (!this.box) return
    const [x, y, width, height] = this.box
    const corners = [x, x + width].flatMap(left => [y, y + height].map(top => [left, top]))
    const near = corners.find(corner => Math.hypot((corner[0] - at[0]) * wide, (corner[1] - at[1]) * tall) < NEAR)
    if (near) this.held.from = [2 * x + width - near[0], 2 * y + height - near[1]] // the opposite corner stays
    else if (at[0] > x && at[0] < x + width && at[1] > y && at[1] < y + height) this.held.offset = [at[0] - x, at[1] - y]
  }

  drag(event) {
    if (!this.held) return
    const at = this.place(event), { from, offset, before } = this.held
    if (offset) {
      const [, , width, height] = before
      this.draw([within(at[0] - offset[0], 0, 1 - width), within(at[1] - offset[1], 0, 1 - height), width, height])
    } else this.draw([Math.min(at[0], from[0]), Math.min(at[1], from[1]), Math.abs(at[0] - from[0]), Math.abs(at[1] - from[1])])
  }

  release(event) {
    if (!this.held) return
    const { at, before } = this.held
    this.held = null
    if (event.type === 'pointercancel') return this.draw(before)
    if (this.box && Math.min(this.box[2], this.box[3]) < LEAST) this.draw(before ?? this.around(at)) // a tap
    else if (!this.box) this.draw(this.around(at))
    this.tell()
  }

  around([x, y]) {
    const corner = middle => within(middle - FIRST / 2, 0, 1 - FIRST)
    return [corner(x), corner(y), FIRST, FIRST]
  }

  key(event) {
    const move = MOVES[event.key]
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'Escape' && this.box) this.draw(null)
    else if (!this.box && (move || event.key === 'Enter' || event.key === ' ')) this.draw(this.around([0.5, 0.5]))
    else if (move && this.box) {
      const [x, y, width, height] = this.box, [right, down] = move.map(by => by * STEP)
      this.draw(event.shiftKey
        ? [x, y, within(width + right, LEAST, 1 - x), within(height + down, LEAST, 1 - y)]
        : [within(x + right, 0, 1 - width), within(y + down, 0, 1 - height), width, height])
    } else return
    event.preventDefault()
    event.stopPropagation()
    this.tell(PAUSE)
  }

  type() {
    const values = this.fields.map(field => field.value === '' ? NaN : Number(field.value) / 100)
    if (values.some(Number.isNaN)) return
    const [x, y] = values.map(value => within(value, 0, 1 - LEAST))
    this.draw([x, y, within(values[2], LEAST, 1 - x), within(values[3], LEAST, 1 - y)])
    this.tell()
  }
}
