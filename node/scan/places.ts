/** Where a file's lines are, by names or hashes: 21 to 43 bytes an entry, outside of V8's heap (Node only). */
import { createHash } from 'node:crypto';

/** The first 64 bits of a hash, as two words. */
export type Key = readonly [high: number, low: number];

/** @param hash in hexadecimal */
export const keyOfHash = (hash: string): Key => [
  Number.parseInt(hash.slice(0, 8), 16),
  Number.parseInt(hash.slice(8, 16), 16),
];

export function keyOfName(name: string): Key {
  const bytes = createHash('sha1').update(name).digest();
  return [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
}

/**
 * Numbers by keys of 64 bits (an open table). Two names or hashes have the same key once in 370,000
 * tables of ten million: whoever asks looks whether what he finds there is what he asked for.
 */
export class Places {
  #keys: Uint32Array;
  /** A place plus one; 0 where nothing is. */
  #places: Float64Array;
  #count = 0;

  /** @param slots to begin with, a power of two */
  constructor(slots = 1024) {
    this.#keys = new Uint32Array(2 * slots);
    this.#places = new Float64Array(slots);
  }

  /** Keys that have a place. */
  get size(): number {
    return this.#count;
  }

  get(key: Key): number | undefined {
    const place = this.#places[this.#slotOf(key)];
    return place === 0 ? undefined : place - 1;
  }

  /** @param place a whole number from 0 on, below 2 ** 53 - 1 */
  set(key: Key, place: number): void {
    if (4 * (this.#count + 1) > 3 * this.#places.length) this.#grow();
    const slot = this.#slotOf(key);
    if (this.#places[slot] === 0) this.#count++;
    this.#put(slot, key, place + 1);
  }

  #put(slot: number, [high, low]: Key, place: number): void {
    this.#keys[2 * slot] = high;
    this.#keys[2 * slot + 1] = low;
    this.#places[slot] = place;
  }

  /** Where a key is, or would be. */
  #slotOf([high, low]: Key): number {
    const last = this.#places.length - 1;
    for (let slot = (high ^ low) & last; ; slot = (slot + 1) & last) {
      if (this.#places[slot] === 0) return slot;
      if (this.#keys[2 * slot] === high && this.#keys[2 * slot + 1] === low) return slot;
    }
  }

  #grow(): void {
    const [keys, places] = [this.#keys, this.#places];
    this.#keys = new Uint32Array(2 * keys.length);
    this.#places = new Float64Array(2 * places.length);
    for (let slot = 0; slot < places.length; slot++) {
      if (places[slot] === 0) continue;
      const key: Key = [keys[2 * slot], keys[2 * slot + 1]];
      this.#put(this.#slotOf(key), key, places[slot]);
    }
  }
}
