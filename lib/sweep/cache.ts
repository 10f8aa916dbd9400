// Cache: the results that were used last, a bounded number of them.

export interface Cache<K, V> {
  /** The value kept for the key, or the one that `make` gives, which is then kept. */
  readonly get: (key: K, make: () => V) => V;
}

export function cacheOf<K, V>(most: number): Cache<K, V> {
  const kept = new Map<K, V>();
  return {
    get: (key, make) => {
      const found = kept.get(key);
      const value = found ?? make();
      kept.delete(key);
      kept.set(key, value);
      if (kept.size > most) kept.delete(kept.keys().next().value as K);
      return value;
    },
  };
}
