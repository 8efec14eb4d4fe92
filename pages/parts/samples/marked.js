// A text as nodes, with the words marked that /nt/words attributes to a neuron; a long text is cut around the strongest.
function marked(text, part, attributed, most) {
  const words = (attributed?.words ?? []).filter(word => word[2] === part)
  const largest = Math.max(...(attributed?.words ?? []).map(word => Math.abs(word[3])), 1e-9)
  const hottest = words.reduce((best, word) => word[3] > (best?.[3] ?? 0) ? word : best, null)
  const from = text.length > most && hottest ? Math.max(0, hottest[0] - most / 8) : 0
  const to = Math.min(text.length, from + most), nodes = from ? ['… '] : []
  const read = attributed?.cut ? Math.max(from, Math.min(attributed.read[part], to)) : to
  let at = from
  for (const [start, end, , value] of words) {
    if (start < at || end > to) continue
    const mark = document.createElement('mark'), strength = Math.round(75 * Math.abs(value) / largest)
    mark.style.background = `color-mix(in srgb, ${value > 0 ? '#e2711d' : '#2f6fb2'} ${strength}%, transparent)`
    mark.title = `${value > 0 ? '+' : ''}${value.toFixed(3)} to the activation of the neuron`
    mark.textContent = text.slice(start, end)
    nodes.push(text.slice(at, start), mark)
    at = end
  }
  nodes.push(text.slice(at, read))
  if (read < to) {
    const rest = document.createElement('span')
    Object.assign(rest, { className: 'unread', title: 'not read by the network', textContent: text.slice(Math.max(at, read), to) })
    nodes.push(rest)
  }
  return to < text.length ? [...nodes, ' …'] : nodes
}
