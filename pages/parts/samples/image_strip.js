// Images by address and row, several per request; the latest are kept.
const MOST_KEPT = 1500, kept = new Map() // address#row -> object URL

async function fetchImages(address, rows, signal) {
  const sources = new Map(rows.filter(row => kept.has(`${address}#${row}`)).map(row => [row, kept.get(`${address}#${row}`)]))
  const missing = rows.filter(row => !sources.has(row)), [path, query] = address.split('?')
  if (!missing.length) return sources
  const answer = await fetch(`${path}?rows=${missing}${query ? `&${query}` : ''}`, { signal })
  if (!answer.ok) return sources
  for (const [row, image] of await answer.formData()) {
    const source = URL.createObjectURL(image)
    sources.set(Number(row), source)
    kept.set(`${address}#${row}`, source)
  }
  for (const [key, source] of kept) {
    if (kept.size <= MOST_KEPT) break
    URL.revokeObjectURL(source) // what is painted already stays painted
    kept.delete(key)
  }
  return sources
}
