// A text as nodes; with what /nt/words answers the words that a neuron goes by are marked, and the strongest is in sight.
function marked(text, part, found, most) {
  const words = (found?.words ?? []).filter(word => word[2] === part)
  const largest = Math.max(...(found?.words ?? []).map(word => Math.abs(word[3])), 1e-9)
  const hottest = words.reduce((best, word) => word[3] > (best?.[3] ?? 0) ? word : best, null)
  const from = text.length > most && hottest ? Math.max(0, hottest[0] - most / 8) : 0
  const to = Math.min(text.length, from + most), nodes = from ? ['… '] : []
  const read = found?.cut ? Math.max(from, Math.min(found.read[part], to)) : to
  let at = from
  for (const [start, end, , value] of words) {
    if (start < at || end > to) continue
    const mark = document.createElement('mark'), strength = Math.round(75 * Math.abs(value) / largest)
    mark.style.background = `color-mix(in srgb, ${value > 0 ? '#e2711d' : '#2f6fb2'} ${strength}%, transparent)`
    mark.title = `${value > 0 ? '+' : ''}${value.toFixed(3)} to how hard the neuron fires`
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
