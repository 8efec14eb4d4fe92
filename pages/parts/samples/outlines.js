// Reports the outlines drawn on a plotly chart, and nothing else. outlines.py makes `data`.
const EVENTS = ['plotly_selected', 'plotly_deselect', 'plotly_relayout']

export default function ({ data, parentElement, setStateValue }) {
  const around = document.querySelector(`.st-key-${data.around}`)
  let chart, reported

  const report = () => {
    const drawn = { lasso: [], box: [] }
    for (const { type, path, x0, x1, y0, y1 } of chart.layout.selections ?? []) {
      if (type === 'rect') drawn.box.push({ x: [x0, x1], y: [y0, y1] })
      else {
        const corners = path.slice(1, -1).split('L').map(corner => corner.split(',').map(Number))
        drawn.lasso.push({ x: corners.map(([x]) => x), y: corners.map(([, y]) => y) })
      }
    }
    const text = JSON.stringify(drawn)
    if (text === reported) return // a zoom is a relayout, too
    reported = text
    setStateValue('drawn', drawn)
  }
  const rest = () => EVENTS.forEach(event => chart?.removeListener?.(event, report))
  const listen = () => {
    const newest = around.querySelector('.js-plotly-plot')
    if (!newest?.on || newest === chart) return
    rest()
    chart = newest
    reported = JSON.stringify(null)
    EVENTS.forEach(event => chart.on(event, report))
  }
  parentElement.rest?.() // called again with other data
  const charts = new MutationObserver(listen)
  charts.observe(around, { childList: true, subtree: true })
  listen()
  parentElement.rest = () => {
    charts.disconnect()
    rest()
  }
  return parentElement.rest
}
