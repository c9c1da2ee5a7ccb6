/**
 * Loads items before they are needed: up to `count` loads are under way, the next one awaited
 * included, so that with 2 one goes on while the caller works. Results come in the order of the
 * items; what a load throws is thrown at its place.
 */
export async function* ahead<T, R>(
  items: Iterable<T>,
  count: number,
  load: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const coming: Promise<R>[] = [];
  for (const item of items) {
    const loading = load(item);
    // Whoever awaits it later sees the error; until then it must not count as unhandled.
    loading.catch(() => {});
    coming.push(loading);
    if (coming.length === count) yield await (coming.shift() as Promise<R>);
  }
  for (const loading of coming) yield await loading;
}

/** Asks for items before they are needed, up to `count` of them; the source gives them one at a time. */
export async function* askAhead<T>(
  source: AsyncGenerator<T, void, undefined>,
  count: number,
): AsyncGenerator<T, void, undefined> {
  const coming: Promise<IteratorResult<T, void>>[] = [];
  const ask = () => {
    const asked = source.next();
    asked.catch(() => {});
    coming.push(asked);
  };
  try {
    for (let k = 0; k < count; k++) ask();
    for (;;) {
      const { value, done } = await (coming.shift() as Promise<IteratorResult<T, void>>);
      if (done) return;
      ask();
      yield value;
    }
  } finally {
    await source.return();
  }
}
