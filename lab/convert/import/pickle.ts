/**
 * A reader of Python pickles (protocols 2 to 5, as PyTorch writes them) that builds maps, lists,
 * text, numbers, and what its caller's rules build. Nothing is ever looked up or executed: a name
 * outside the rules, or an opcode outside the table, is refused. Opcodes: CPython, Lib/pickletools.py.
 */
import { REFUSED } from './pickle-refused.ts';

export type Fail = (problem: string) => never;

/**
 * What a file gives as a name, for messages: on one line, without control characters. Lists are
 * not written out; one that holds itself twice sixty times over would take for ever.
 */
export function shown(name: unknown): string {
  if (typeof name === 'number' || typeof name === 'bigint') return String(name);
  if (typeof name !== 'string') return 'that is no name';
  return /^[\w.$/:-]{1,120}$/.test(name) ? name : JSON.stringify(name.slice(0, 120));
}

/** A class or function that a pickle may name. */
export class Global {
  readonly name: string;
  /** What a call builds; absent: it may be named, not called. */
  readonly call?: (args: readonly unknown[], fail: Fail) => unknown;

  constructor(name: string, call?: (args: readonly unknown[], fail: Fail) => unknown) {
    this.name = name;
    this.call = call;
  }
}

/** What a pickle may hold beside plain values. */
export interface PickleRules {
  /** By `module.name`. */
  globals: ReadonlyMap<string, Global>;
  /** What a persistent id stands for; without it there may be none. */
  persistent?(id: unknown, fail: Fail): unknown;
}

/**
 * Reads one pickle. Dictionaries come as `Map`, tuples and lists as arrays, integers beyond 2^53
 * as `bigint`. The result may contain itself.
 *
 * @param at where the pickle begins in `bytes`
 * @returns its value, and where it ended
 * @throws what `fail` throws, on the first thing that is not allowed or not whole
 */
export function readPickle(
  bytes: Uint8Array,
  at: number,
  rules: PickleRules,
  fail: Fail,
): { value: unknown; end: number } {
  const reader = new Reader(bytes, at, rules, fail);
  return { value: reader.run(), end: reader.at };
}

/** The opcodes that are read, by their byte. */
const READ: Readonly<Record<number, [name: string, step: (r: Reader) => void]>> = {
  128: ['PROTO', (r) => r.protocol(r.take(1)[0])],
  149: ['FRAME', (r) => void r.take(8)],
  40: ['MARK', (r) => r.mark()],
  48: ['POP', (r) => r.drop()],
  49: ['POP_MARK', (r) => void r.sinceMark()],
  78: ['NONE', (r) => r.push(null)],
  136: ['NEWTRUE', (r) => r.push(true)],
  137: ['NEWFALSE', (r) => r.push(false)],
  75: ['BININT1', (r) => r.push(r.unsigned(1))],
  77: ['BININT2', (r) => r.push(r.unsigned(2))],
  74: ['BININT', (r) => r.push(r.unsigned(4) | 0)],
  138: ['LONG1', (r) => r.push(integer(r.take(r.unsigned(1))))],
  71: ['BINFLOAT', (r) => r.push(viewOf(r.take(8)).getFloat64(0))],
  140: ['SHORT_BINUNICODE', (r) => r.push(r.text(r.unsigned(1)))],
  88: ['BINUNICODE', (r) => r.push(r.text(r.unsigned(4)))],
  141: ['BINUNICODE8', (r) => r.push(r.text(r.unsigned(8)))],
  85: ['SHORT_BINSTRING', (r) => r.push(r.python2Text(r.unsigned(1)))],
  84: ['BINSTRING', (r) => r.push(r.python2Text(r.unsigned(4)))],
  93: ['EMPTY_LIST', (r) => r.push([])],
  125: ['EMPTY_DICT', (r) => r.push(new Map())],
  41: ['EMPTY_TUPLE', (r) => r.push([])],
  133: ['TUPLE1', (r) => r.push(r.pop(1))],
  134: ['TUPLE2', (r) => r.push(r.pop(2))],
  135: ['TUPLE3', (r) => r.push(r.pop(3))],
  116: ['TUPLE', (r) => r.push(r.sinceMark())],
  97: ['APPEND', (r) => r.append(r.pop(1))],
  101: ['APPENDS', (r) => r.append(r.sinceMark())],
  115: ['SETITEM', (r) => r.setItems(r.pop(2))],
  117: ['SETITEMS', (r) => r.setItems(r.sinceMark())],
  113: ['BINPUT', (r) => r.remember(r.unsigned(1))],
  114: ['LONG_BINPUT', (r) => r.remember(r.unsigned(4))],
  148: ['MEMOIZE', (r) => r.remember(r.memo.size)],
  104: ['BINGET', (r) => r.recall(r.unsigned(1))],
  106: ['LONG_BINGET', (r) => r.recall(r.unsigned(4))],
  99: ['GLOBAL', (r) => r.global(r.line(), r.line())],
  147: ['STACK_GLOBAL', (r) => r.global(...(r.pop(2) as [unknown, unknown]))],
  82: ['REDUCE', (r) => r.call()],
  129: ['NEWOBJ', (r) => r.call()],
  98: ['BUILD', (r) => r.build()],
  81: ['BINPERSID', (r) => r.persistent()],
};

const STOP = 46;
/** Longest module or class name. */
const LONGEST_LINE = 200;
/** Opcodes in a pickle; a tensor takes about 25. It bounds what a small file can make us hold. */
const MOST_STEPS = 500_000;

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A two's complement integer, low byte first. */
function integer(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  value = BigInt.asIntN(bytes.length * 8, value);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

class Reader {
  at: number;
  readonly memo = new Map<number, unknown>();
  readonly #bytes: Uint8Array;
  readonly #rules: PickleRules;
  readonly #refuse: Fail;
  readonly #stack: unknown[] = [];
  /** The heights of the stack at which a MARK lies. */
  readonly #marks: number[] = [];
  #opcode = '';
  #begin: number;

  constructor(bytes: Uint8Array, at: number, rules: PickleRules, refuse: Fail) {
    this.#bytes = bytes;
    this.at = this.#begin = at;
    this.#rules = rules;
    this.#refuse = refuse;
  }

  readonly fail: Fail = (problem) => {
    const opcode = this.#opcode && `${this.#opcode} `;
    return this.#refuse(`its pickle, ${opcode}at byte ${this.#begin}: ${problem}`);
  };

  run(): unknown {
    for (let step = 0; step < MOST_STEPS; step++) {
      this.#opcode = '';
      this.#begin = this.at;
      const byte = this.take(1)[0];
      if (byte === STOP) {
        if (this.#stack.length !== 1) this.fail(`it ends with ${this.#stack.length} values, not 1`);
        return this.#stack[0];
      }
      const known = READ[byte];
      if (!known) {
        const name = REFUSED[byte] ?? `0x${byte.toString(16).padStart(2, '0')}`;
        return this.fail(`the opcode ${name} is not allowed in a file of weights`);
      }
      this.#opcode = known[0];
      known[1](this);
    }
    return this.fail(`it is longer than ${MOST_STEPS} opcodes`);
  }

  take(n: number): Uint8Array {
    if (n > this.#bytes.length - this.at) {
      this.fail(
        `it needs ${n} more bytes, and ${this.#bytes.length - this.at} are left: cut short?`,
      );
    }
    this.at += n;
    return this.#bytes.subarray(this.at - n, this.at);
  }

  unsigned(n: 1 | 2 | 4 | 8): number {
    return this.take(n).reduceRight((value, byte) => value * 256 + byte, 0);
  }

  text(n: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.take(n));
    } catch (error) {
      if (error instanceof TypeError) return this.fail('its text is not UTF-8');
      throw error;
    }
  }

  /** Python 2 wrote names as bytes. */
  python2Text(n: number): string {
    return new TextDecoder('latin1').decode(this.take(n));
  }

  line(): string {
    const near = this.#bytes.subarray(this.at, this.at + LONGEST_LINE + 1);
    const length = near.indexOf(10);
    if (length < 0) this.fail('a name has no end');
    const text = this.text(length);
    this.at++;
    return text;
  }

  protocol(version: number): void {
    if (version > 5) this.fail(`protocol ${version} is not known`);
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  #above(): number {
    return this.#stack.length - (this.#marks.at(-1) ?? 0);
  }

  pop(n: number): unknown[] {
    if (this.#above() < n) this.fail('the stack is empty');
    return this.#stack.splice(this.#stack.length - n);
  }

  /** POP takes a MARK off where one is on top. */
  drop(): void {
    if (this.#above() === 0 && this.#marks.length > 0) this.#marks.pop();
    else this.pop(1);
  }

  sinceMark(): unknown[] {
    const height = this.#marks.pop();
    if (height === undefined) return this.fail('there is no MARK');
    return this.#stack.splice(height);
  }

  #top(): unknown {
    if (this.#above() < 1) this.fail('the stack is empty');
    return this.#stack.at(-1);
  }

  append(items: unknown[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) this.fail('its target is no list');
    for (const item of items) list.push(item);
  }

  setItems(items: unknown[]): void {
    const map = this.#top();
    if (!(map instanceof Map)) this.fail('its target is no dictionary');
    if (items.length % 2 > 0) this.fail('a key has no value');
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  }

  remember(key: number): void {
    this.memo.set(key, this.#top());
  }

  recall(key: number): void {
    if (!this.memo.has(key)) this.fail(`nothing was remembered as ${key}`);
    this.push(this.memo.get(key));
  }

  global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') this.fail('a name is no text');
    const full = `${module}.${name}`;
    const known = this.#rules.globals.get(full);
    if (!known) {
      this.fail(
        `it names ${shown(full)}, which no file of plain weights needs; nothing ` +
          'was executed. If you trust the file, save the weights alone from PyTorch: ' +
          'torch.save(model.state_dict(), ...)',
      );
    }
    this.push(known);
  }

  call(): void {
    const [callee, args] = this.pop(2);
    if (!(callee instanceof Global)) this.fail('it calls what is no function');
    if (!callee.call) this.fail(`it calls ${callee.name}`);
    if (!Array.isArray(args)) this.fail(`the arguments of ${callee.name} are no tuple`);
    this.push(callee.call(args, this.fail));
  }

  /** Sets attributes: of a dictionary they are notes (`_metadata`), of anything else not allowed. */
  build(): void {
    this.pop(1);
    if (!(this.#top() instanceof Map)) this.fail('it sets the attributes of no dictionary');
  }

  persistent(): void {
    const [id] = this.pop(1);
    if (!this.#rules.persistent) this.fail('there are no persistent ids here');
    this.push(this.#rules.persistent(id, this.fail));
  }
}
