'use strict';

const { createHash } = require('node:crypto');
const { setMaxListeners } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setImmediate: turn } = require('node:timers/promises');
const { pathToFileURL } = require('node:url');

const memory64 = require('../../native.js');
const { clean, runNode } = require('./child.js');
const { binary, fnv, hashesInPlace, hashesLayers, identity, traps } = require('./guests.js');
const { smollm2 } = require('./models.js');
const { runPython } = require('./python.js');

const {
  loadModel,
  ClosedError,
  Guest,
  GuestError,
  GuestModuleError,
  GuestTimeoutError,
  GuestTrapError,
  OutOfBoundsError,
  SourceNotFoundError,
} = memory64;

const reason = new Error('changed my mind');
const file = fs.readFileSync(smollm2());
const reference = JSON.parse(runPython('tests/js/reference.py', smollm2()));

let model;
beforeAll(async () => {
  model = await loadModel(smollm2(), { memory64: true });
});
afterAll(() => model.close());

function open(wat, options) {
  return model.guest(Buffer.from(wat), options);
}

/** The bytes of a tensor, as the file has them. */
function bytesInFile({ fileOffset, nbytes }) {
  return file.subarray(fileOffset, fileOffset + nbytes);
}

/** A layer as the host gives it to guests: its tensors, each aligned to 32 bytes. */
function layerImage(id) {
  const parts = [];
  for (const info of reference.tensors.filter(({ name }) => name.startsWith(`blk.${id}.`))) {
    const end = parts.reduce((sum, part) => sum + part.length, 0);
    parts.push(Buffer.alloc((32 - (end % 32)) % 32), bytesInFile(info));
  }
  return Buffer.concat(parts);
}

describe('a module', () => {
  const wasm = binary(identity);
  let folder;
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-'));
    fs.writeFileSync(path.join(folder, 'g ö.wasm'), wasm);
    fs.writeFileSync(path.join(folder, 'g.wat'), identity);
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  function viewIntoMore() {
    const more = new Uint8Array(wasm.length + 20).fill(0xff);
    more.set(wasm, 10);
    return new DataView(more.buffer, 10, wasm.length);
  }

  function sharedMemory() {
    const shared = new Uint8Array(new SharedArrayBuffer(wasm.length));
    shared.set(wasm);
    return shared;
  }

  test.each([
    ['the path of a binary', () => path.join(folder, 'g ö.wasm')],
    ['the path of a text', () => path.join(folder, 'g.wat')],
    ['a URL', () => pathToFileURL(path.join(folder, 'g ö.wasm'))],
    ['a URL as text', () => pathToFileURL(path.join(folder, 'g.wat')).href],
    ['a Buffer', () => wasm],
    ['an ArrayBuffer', () => Uint8Array.from(wasm).buffer],
    ['a DataView into more', viewIntoMore],
    ['shared memory', sharedMemory],
    ['text', () => Buffer.from(identity)],
  ])('is taken as %s', async (_, wasmOf) => {
    const guest = await model.guest(wasmOf());
    expect(await guest.call('i32', 42)).toBe(42);
    await guest.close();
  });

  test('says what it exports', async () => {
    const guest = await open(hashesInPlace);
    expect(guest).toBeInstanceOf(Guest);
    expect(guest.exports).toEqual({ hash: '(i64, i64) -> i32', overwrite: '(i64, i64) -> ()' });
    expect(Object.isFrozen(guest.exports)).toBe(true);
    await guest.close();
  });

  test('may call its functions anything', async () => {
    const guest = await open('(module (func (export "__proto__") (result i32) (i32.const 5)))');
    expect(Object.keys(guest.exports)).toEqual(['__proto__']);
    expect(await guest.call('__proto__')).toBe(5);
    await expect(guest.call('toString')).rejects.toThrow(GuestError);
    await guest.close();
  });

  test.each([
    ['no module', 'hello', GuestModuleError, /magic number/],
    ['nothing', '', GuestModuleError, /no memory for|guest/],
    ['a module that is cut', wasm.subarray(0, 99), GuestModuleError, /not a valid module/],
    ['a file that is not there', null, SourceNotFoundError, /nix\.wasm/],
    [
      'imports that there are not',
      '(module (import "env" "nix" (func)) (import "wasi_snapshot_preview1" "fd_close" (func)))',
      GuestModuleError,
      /env\.nix, wasi_snapshot_preview1\.fd_close; WASI is off/,
    ],
    ['a start that traps', '(module (func $s unreachable) (start $s))', GuestTrapError, /unreach/],
  ])('is refused: %s', async (_, wat, ErrorClass, message) => {
    const wasmOf = wat === null ? path.join(folder, 'nix.wasm') : Buffer.from(wat);
    const error = await model.guest(wasmOf).catch((refused) => refused);
    expect(error).toBeInstanceOf(ErrorClass);
    expect(error.code).toBe(ErrorClass.code);
    expect(error.message).toMatch(message);
  });

  test('with WASI may print and ask for the time', async () => {
    const wat = `(module
      (import "wasi_snapshot_preview1" "clock_time_get"
        (func $time (param i32 i64 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "now") (result i64)
        (drop (call $time (i32.const 0) (i64.const 1) (i32.const 8)))
        (i64.load (i32.const 8))))`;
    await expect(open(wat)).rejects.toThrow(GuestModuleError);
    const guest = await open(wat, { wasi: true });
    const before = BigInt(Date.now()) * 1_000_000n;
    expect(await guest.call('now')).toBeGreaterThanOrEqual(before);
    await guest.close();
  });

  test.each([
    ['no bytes nor path', [[0x61]], TypeError],
    ['an empty path', [''], RangeError],
    ['options that are none', ['g.wasm', 3], TypeError],
    ['memory below a byte', ['g.wasm', { memoryBytes: 0 }], RangeError],
    ['tables in words', ['g.wasm', { tableElements: 'many' }], TypeError],
    ['no time', ['g.wasm', { timeoutMs: 0 }], RangeError],
    ['time without end', ['g.wasm', { timeoutMs: Infinity }], RangeError],
    ['half an instruction', ['g.wasm', { fuel: 0.5 }], RangeError],
    ['maybe WASI', ['g.wasm', { wasi: 'maybe' }], TypeError],
    ['a signal that is none', ['g.wasm', { signal: {} }], TypeError],
  ])('is not opened with %s', async (_, args, ErrorClass) => {
    await expect(model.guest(...args)).rejects.toThrow(ErrorClass);
  });
});

describe('a number', () => {
  const v8 = new WebAssembly.Instance(new WebAssembly.Module(binary(identity))).exports;
  let guest;
  beforeEach(async () => {
    guest = await open(identity);
  });
  afterEach(() => guest.close());

  test.each([
    ['i32', [0, -0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 32 - 1]],
    ['i64', [0n, -1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 2n ** 64n - 1n]],
    ['f32', [0, -0, 0.1, NaN, Infinity, -Infinity, 1e300, 1e-46, 2 ** 53 + 2, 16777217]],
    ['f64', [0, -0, 0.1, NaN, Infinity, -Infinity, 1e300, 5e-324, 2 ** 53 + 2, -3]],
  ])('of type %s comes back as from V8', async (type, values) => {
    for (const value of values) {
      const [ours, theirs] = [await guest.call(type, value), v8[type](value)];
      expect([value, Object.is(ours, theirs)]).toEqual([value, true]);
    }
  });

  test('of 64 bits may be given as a safe integer', async () => {
    for (const value of [0, -0, -7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(await guest.call('i64', value)).toBe(BigInt(value));
    }
  });

  test('may be one of several, or of none', async () => {
    expect(await guest.call('turn', 1, 2n, 0.5, -0.25)).toEqual([-0.25, 0.5, 2n, 1]);
    expect(await guest.call('none')).toBeUndefined();
  });

  test.each([
    ['of the wrong name', ['nix'], GuestError],
    ['of no name', [3], TypeError],
    ['missing', ['i32'], TypeError],
    ['too many', ['none', 1], TypeError],
    ['undefined', ['i32', undefined], TypeError],
    ['null', ['i32', null], TypeError],
    ['text', ['i32', '1'], TypeError],
    ['a truth', ['i32', true], TypeError],
    ['a BigInt of 32 bits', ['i32', 1n], TypeError],
    ['a fraction', ['i32', 1.5], RangeError],
    ['no number', ['i32', NaN], RangeError],
    ['above 32 bits', ['i32', 2 ** 32], RangeError],
    ['below 32 bits', ['i32', -(2 ** 31) - 1], RangeError],
    ['above 64 bits', ['i64', 2n ** 64n], RangeError],
    ['below 64 bits', ['i64', -(2n ** 63n) - 1n], RangeError],
    ['an unsafe integer', ['i64', 2 ** 53], RangeError],
    ['a BigInt as a float', ['f64', 1n], TypeError],
    ['a reference', ['takes', 1], TypeError],
    ['asked for as a reference', ['gives'], GuestError],
    ['of no time', ['none', { timeoutMs: -1 }], RangeError],
  ])('that is %s is refused before the guest runs', async (_, args, ErrorClass) => {
    await expect(guest.call(...args)).rejects.toThrow(ErrorClass);
    expect(await guest.call('count')).toBe(0);
  });
});

describe('a guest reads', () => {
  test('layers by the host, each the bytes of the file', async () => {
    const guest = await open(hashesLayers);
    for (const id of [0, 17, 29]) {
      const image = layerImage(id);
      expect(await guest.call('hash', id)).toEqual([image.length, fnv(image)]);
      const read = await guest.read(16, image.length);
      expect(createHash('sha256').update(read).digest()).toEqual(
        createHash('sha256').update(image).digest(),
      );
    }
    expect((await guest.call('hash', 30))[0]).toBeLessThan(0);
    await guest.close();
  });

  test('tensors in place, each the bytes of the file', async () => {
    const guest = await open(hashesInPlace);
    const entries = new Map(reference.tensors.map((entry) => [entry.name, entry]));
    for (const { name, offset, nbytes, layer } of model.tensors) {
      if (layer % 10 !== 0) continue; // null as well, which is the large ones
      const hash = await guest.call('hash', offset, nbytes);
      expect([name, hash]).toEqual([name, fnv(bytesInFile(entries.get(name)))]);
    }
    await guest.close();
  });

  test('what it wrote there, which nobody else sees', async () => {
    const [guest, other] = await Promise.all([open(hashesInPlace), open(hashesInPlace)]);
    const { offset, nbytes, name } = model.tensors.find(({ layer }) => layer === 3);
    const before = fnv(bytesInFile(reference.tensors.find((entry) => entry.name === name)));
    await guest.call('overwrite', offset, nbytes);
    expect(await guest.call('hash', offset, nbytes)).toBe(fnv(new Uint8Array(nbytes).fill(0xff)));
    expect(await other.call('hash', offset, nbytes)).toBe(before);
    expect(fnv((await model.getLayer(3)).tensor(name).data)).toBe(before);
    await Promise.all([guest.close(), other.close()]);
  });

  test('many at once, every answer the right one', async () => {
    const guests = await Promise.all(Array.from({ length: 30 }, () => open(hashesLayers)));
    const hashes = await Promise.all(guests.map((guest, id) => guest.call('hash', id)));
    expect(hashes.map(([, hash]) => hash)).toEqual(guests.map((_, id) => fnv(layerImage(id))));
    await Promise.all(guests.map((guest) => guest.close()));
  });
});

describe("a guest's memory", () => {
  let guest;
  beforeEach(async () => {
    guest = await open(
      `(module (memory (export "memory") 1 100)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`,
      { memoryBytes: 3 * 65536 },
    );
  });
  afterEach(() => guest.close());

  test('is read and written', async () => {
    const data = Uint8Array.from({ length: 1000 }, (_, index) => index);
    const writing = guest.write(64536, data);
    data.fill(0);
    await writing;
    const read = await guest.read(64535, 1001);
    expect(Array.from(read.subarray(1))).toEqual(Array.from(data, (_, index) => index & 0xff));
    read.fill(9);
    expect(await guest.read(64535, 1)).toEqual(new Uint8Array(1));
  });

  test.each([
    ['a Float32Array', new Float32Array([1.5, -2])],
    ['a DataView', new DataView(new Float32Array([9, 1.5, -2]).buffer, 4)],
    ['an ArrayBuffer', new Float32Array([1.5, -2]).buffer],
  ])('takes %s', async (_, data) => {
    await guest.write(8, data);
    const { buffer } = await guest.read(8, 8);
    expect(Array.from(new Float32Array(buffer))).toEqual([1.5, -2]);
  });

  test('has an end', async () => {
    expect(await guest.memoryBytes()).toBe(65536);
    expect(await guest.read(65536, 0)).toHaveLength(0);
    for (const [pointer, size] of [
      [65536, 1],
      [0, 65537],
      [2 ** 53 - 1, 2 ** 53 - 1],
    ]) {
      await expect(guest.read(pointer, size)).rejects.toThrow(OutOfBoundsError);
    }
    await expect(guest.write(65535, new Uint8Array(2))).rejects.toThrow(OutOfBoundsError);
    expect(await guest.read(65535, 1)).toEqual(new Uint8Array(1));
  });

  test('grows as far as it may', async () => {
    expect(await guest.call('grow', 2)).toBe(1);
    expect(await guest.call('grow', 1)).toBe(-1);
    expect(await guest.memoryBytes()).toBe(3 * 65536);
  });

  test('may not exist', async () => {
    const without = await open('(module)');
    expect(await without.memoryBytes()).toBe(0);
    await expect(without.read(0, 1)).rejects.toThrow(OutOfBoundsError);
    await without.close();
  });

  test.each([
    ['read', [-1, 1], RangeError],
    ['read', [0, 0.5], RangeError],
    ['read', [0n, 1], TypeError],
    ['read', [0], TypeError],
    ['write', [0, [1, 2]], TypeError],
    ['write', [0, 'text'], TypeError],
    ['write', [NaN, new Uint8Array(1)], RangeError],
  ])('refuses to %s %j', async (method, args, ErrorClass) => {
    await expect(guest[method](...args)).rejects.toThrow(ErrorClass);
  });
});

describe('a guest is stopped', () => {
  let guest;
  beforeEach(async () => {
    guest = await open(identity);
  });
  afterEach(() => guest.close());

  test('by a signal, while the event loop turns', async () => {
    const controller = new AbortController();
    const spinning = guest.call('spin', { signal: controller.signal });
    for (let turns = 0; turns < 1000; turns += 1) await turn();
    controller.abort(reason);
    await expect(spinning).rejects.toBe(reason);
    expect(await guest.call('i32', 42)).toBe(42);
    expect((await model.getLayer(0)).id).toBe(0);
  });

  test('before it starts, by a signal that has fired', async () => {
    const signal = AbortSignal.abort(reason);
    await expect(guest.call('none', { signal })).rejects.toBe(reason);
    await expect(guest.read(0, 0, { signal })).rejects.toBe(reason);
    await expect(guest.write(0, new Uint8Array(0), { signal })).rejects.toBe(reason);
    await expect(open(identity, { signal })).rejects.toBe(reason);
    expect(await guest.call('count')).toBe(0);
  });

  test('while it waits for its turn', async () => {
    const spinning = guest.call('spin', { timeoutMs: 20 });
    const controller = new AbortController();
    const { signal } = controller;
    setMaxListeners(100, signal);
    const waiting = Array.from({ length: 100 }, () => guest.call('none', { signal }));
    controller.abort(reason);
    for (const call of waiting) await expect(call).rejects.toBe(reason);
    await expect(spinning).rejects.toThrow(GuestTimeoutError);
    expect(await guest.call('count')).toBe(0);
  });

  test('by its time limit, of the guest or of the call', async () => {
    await expect(guest.call('spin', { timeoutMs: 20 })).rejects.toThrow(GuestTimeoutError);
    const limited = await open(identity, { timeoutMs: 30 });
    const error = await limited.call('spin').catch((stopped) => stopped);
    expect(error).toBeInstanceOf(GuestTimeoutError);
    expect(error.message).toContain('0.03 s');
    expect(await limited.call('i32', 42, { timeoutMs: 60_000 })).toBe(42);
    await limited.close();
  });

  test('in its start function, by its time limit or a signal', async () => {
    const wat = '(module (func $s (loop $l (br $l))) (start $s))';
    await expect(open(wat, { timeoutMs: 20 })).rejects.toThrow(GuestTimeoutError);
    const controller = new AbortController();
    const opening = open(wat, { signal: controller.signal });
    await turn();
    controller.abort(reason);
    await expect(opening).rejects.toBe(reason);
  });

  test('by the end of its fuel', async () => {
    const limited = await open(identity, { fuel: 10_000 });
    expect(await limited.call('i32', 42)).toBe(42);
    const error = await limited.call('spin').catch((stopped) => stopped);
    expect(error).toBeInstanceOf(GuestTrapError);
    expect(error.message).toContain('fuel of 10000');
    await limited.close();
  });

  test.each(['unreachable', 'divide by zero', 'out of bounds', 'call nothing', 'recurse for ever'])(
    'by a trap (%s), and can be called again',
    async (name) => {
      const trapping = await open(traps);
      await expect(trapping.call(name)).rejects.toThrow(GuestTrapError);
      expect(await trapping.call('fine')).toBe(1);
      await trapping.close();
    },
  );
});

test('guests that loop for ever hold up neither each other nor the model', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const guests = await Promise.all(Array.from({ length: 20 }, () => open(identity)));
  setMaxListeners(guests.length, signal);
  const spinning = guests.map((guest) => guest.call('spin', { signal }));
  const other = await open(identity);
  expect(await other.call('i32', 42)).toBe(42);
  expect((await model.getLayer(5)).id).toBe(5);
  controller.abort(reason);
  for (const call of spinning) await expect(call).rejects.toBe(reason);
  await Promise.all([other, ...guests].map((guest) => guest.close()));
});

test('a thousand calls that wait for one guest do not hold up others', async () => {
  const [guest, other] = await Promise.all([open(identity), open(identity)]);
  const controller = new AbortController();
  const spinning = guest.call('spin', { signal: controller.signal });
  const waiting = Array.from({ length: 1000 }, (_, index) => guest.call('i32', index));
  expect(await other.call('i32', 42)).toBe(42);
  controller.abort(reason);
  await expect(spinning).rejects.toBe(reason);
  expect(await Promise.all(waiting)).toEqual(Array.from(waiting.keys()));
  await Promise.all([guest.close(), other.close()]);
});

describe('closing', () => {
  test('a guest twice is fine, and then nothing works', async () => {
    const guest = await open(identity);
    const call = guest.call('i32', 42);
    await Promise.all([guest.close(), guest.close()]);
    expect(await call).toBe(42);
    await guest[Symbol.asyncDispose]();
    await expect(guest.call('i32', 1)).rejects.toThrow(ClosedError);
    await expect(guest.read(0, 0)).rejects.toThrow(ClosedError);
    await expect(guest.write(0, new Uint8Array(0))).rejects.toThrow(ClosedError);
    await expect(guest.memoryBytes()).rejects.toThrow(ClosedError);
  });

  test('a model closes its guests', async () => {
    const closing = await loadModel(smollm2(), { memory64: true });
    const guest = await closing.guest(Buffer.from(identity));
    const call = guest.call('i32', 42);
    await closing.close();
    expect(await call).toBe(42);
    await expect(guest.call('i32', 1)).rejects.toThrow(ClosedError);
    await expect(closing.guest(Buffer.from(identity))).rejects.toThrow(ClosedError);
    await guest.close();
  });
});

describe('a process', () => {
  function run(script, ...args) {
    return runNode([path.join(__dirname, script), ...args]);
  }

  test('keeps its exit status while a guest loops for ever', () => {
    expect(run('guest-ends.js', smollm2(), 'exit')).toMatchObject({ ...clean, status: 7 });
  });

  test('ends by an uncaught error while a guest loops for ever', () => {
    const { status, signal, stderr } = run('guest-ends.js', smollm2(), 'throw');
    expect({ status, signal }).toEqual({ status: 1, signal: null });
    expect(stderr).toContain('Error: uncaught');
  });

  test('stops the guest of a worker that is terminated', () => {
    const end = run('guest-ends.js', smollm2(), 'terminate');
    expect(end).toEqual({ ...clean, stdout: '42\n' });
  });

  test('outlives files that become shorter, and so does its own WebAssembly', () => {
    const tiny = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-')), 'tiny.gguf');
    const generate = 'import pathlib, sys; from models import generate; ';
    runPython('-c', `${generate}generate.tiny(pathlib.Path(sys.argv[1]))`, tiny);
    const { stdout, ...end } = run('guest-shrinks.js', tiny, '40');
    fs.rmSync(path.dirname(tiny), { recursive: true });
    expect(end).toEqual(clean);
    const rounds = JSON.parse(stdout);
    expect(rounds).toHaveLength(40);
    const trap = 'memory access out of bounds';
    const changed = 'ERR_MEMORY64_SOURCE_CHANGED';
    for (const [way, ...seen] of rounds) {
      expect([way, ...seen]).toEqual([way, changed, changed, trap, trap]);
    }
  });
});
