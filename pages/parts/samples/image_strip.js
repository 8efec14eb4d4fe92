// Pictures by address and row, several in one answer; the latest are kept.
const MOST_KEPT = 1500, kept = new Map() // address#row -> object URL

async function fetched(address, rows, signal) {
  const found = new Map(rows.filter(row => kept.has(`${address}#${row}`)).map(row => [row, kept.get(`${address}#${row}`)]))
  const missing = rows.filter(row => !found.has(row)), [path, query] = address.split('?')
  if (!missing.length) return found
  const answer = await fetch(`${path}?rows=${missing}${query ? `&${query}` : ''}`, { signal })
  if (!answer.ok) return found
  for (const [row, picture] of await answer.formData()) {
    const source = URL.createObjectURL(picture)
    found.set(Number(row), source)
    kept.set(`${address}#${row}`, source)
  }
  for (const [key, source] of kept) {
    if (kept.size <= MOST_KEPT) break
    URL.revokeObjectURL(source) // what is painted already stays
    kept.delete(key)
  }
  return found
}
