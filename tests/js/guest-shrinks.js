'use strict';

// A file that becomes shorter while a guest reads it, with a WebAssembly module of V8's own beside
// the guest, many times over:
//   node tests/js/guest-shrinks.js MODEL ROUNDS
// Prints how each round ended, as JSON.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { loadModel } = require('../../native.js');
const { untilBusy } = require('./threads.js');
const { binary } = require('./guests.js');

const [original, rounds] = process.argv.slice(2);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memory64-'));

/** Each function reads at or behind an offset, in its own way; "for ever" until it is stopped. */
const reader = binary(`(module
  (import "memory64" "region_weights" (memory $weights i64 1))
  (import "env" "memory64_read" (func $read (param i64 i32 i32) (result i32)))
  (memory $own (export "memory") 4)
  (func (export "load") (param i64) (drop (i64.load $weights (local.get 0))))
  (func (export "copy") (param i64)
    (memory.copy $own $weights (i32.const 0) (local.get 0) (i32.const 4096)))
  (func (export "fill") (param i64)
    (memory.fill $weights (local.get 0) (i32.const 1) (i64.const 4096)))
  (func (export "read") (param i64)
    (drop (call $read (local.get 0) (i32.const 0) (i32.const 4096))))
  (func (export "load for ever") (param i64)
    (loop $l (drop (i64.load $weights (local.get 0))) (br $l))))`);

const ways = ['load', 'copy', 'fill', 'read', 'load for ever'];

/** Reads out of bounds in V8, which finds that by a signal too. */
const v8 = new WebAssembly.Instance(
  new WebAssembly.Module(
    binary(
      '(module (memory 1) (func (export "load") (param i32) (drop (i32.load (local.get 0)))))',
    ),
  ),
);

function trapOfV8() {
  try {
    return v8.exports.load(1 << 20);
  } catch (error) {
    return error instanceof WebAssembly.RuntimeError && error.message;
  }
}

async function round(way) {
  const file = path.join(folder, 'model.gguf');
  fs.copyFileSync(original, file);
  const model = await loadModel(file, { memory64: true });
  const offset = BigInt(Math.max(...model.tensors.map((info) => info.offset)));
  const guest = await model.guest(reader);
  const before = trapOfV8();
  const alreadyReads = way === 'load for ever' && guest.call(way, offset);
  if (alreadyReads) await untilBusy();
  fs.truncateSync(file, 4096);
  const during = alreadyReads || guest.call(way, offset);
  const outcome = await during.catch((error) => error);
  const again = await guest.call('load', 0n).catch((error) => error);
  await model.close();
  return [way, outcome.code, again.code, before, trapOfV8()];
}

async function run() {
  const seen = [];
  for (let index = 0; index < rounds; index += 1) {
    seen.push(await round(ways[index % ways.length]));
  }
  fs.rmSync(folder, { recursive: true });
  console.log(JSON.stringify(seen));
}

run();
