'use strict';

const { imul } = Math; // looked up at each use it would be slow where jest runs this
const { runPython } = require('./python.js');

/** Guests in WAT, and the same arithmetic in JavaScript. */

/** A value of each type as it was given, so many times as `calls` says; and a loop for ever. */
const identity = `(module
  (global $calls (export "calls") (mut i32) (i32.const 0))
  (func $count (global.set $calls (i32.add (global.get $calls) (i32.const 1))))
  (func (export "count") (result i32) (global.get $calls))
  (func (export "i32") (param i32) (result i32) (call $count) (local.get 0))
  (func (export "i64") (param i64) (result i64) (call $count) (local.get 0))
  (func (export "f32") (param f32) (result f32) (call $count) (local.get 0))
  (func (export "f64") (param f64) (result f64) (call $count) (local.get 0))
  (func (export "none") (call $count))
  (func (export "turn") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
    (call $count) (local.get 3) (local.get 2) (local.get 1) (local.get 0))
  (func (export "spin") (loop $l (br $l)))
  (func (export "takes") (param funcref))
  (func (export "gives") (result funcref) (ref.null func)))`;

const FNV = `
  (func $fnv (param $at {index}) (param $end {index}) (result i32) (local $hash i32)
    (local.set $hash (i32.const 0x811c9dc5))
    (block $done
      (loop $bytes
        (br_if $done ({index}.ge_u (local.get $at) (local.get $end)))
        (local.set $hash (i32.mul (i32.const 0x01000193)
          (i32.xor (local.get $hash) (i32.load8_u (local.get $at)))))
        (local.set $at ({index}.add (local.get $at) ({index}.const 1)))
        (br $bytes)))
    (local.get $hash))`;

/** Asks the host for a layer and hashes it; a negative result of the host is given as it is. */
const hashesLayers = `(module
  (import "env" "memory64_load_layer" (func $load (param i32 i32 i32) (result i32)))
  (memory (export "memory") 64)
  ${FNV.replaceAll('{index}', 'i32')}
  (func (export "hash") (param $layer i32) (result i32 i32) (local $size i32)
    (local.set $size
      (call $load (local.get $layer) (i32.const 16) (i32.sub (i32.const 0x400000) (i32.const 16))))
    (local.get $size)
    (call $fnv (i32.const 16) (i32.add (i32.const 16) (local.get $size)))))`;

/** Hashes bytes of the model where they are. */
const hashesInPlace = `(module
  (import "memory64" "region_weights" (memory i64 1))
  ${FNV.replaceAll('{index}', 'i64')}
  (func (export "hash") (param $at i64) (param $size i64) (result i32)
    (call $fnv (local.get $at) (i64.add (local.get $at) (local.get $size))))
  (func (export "overwrite") (param $at i64) (param $size i64)
    (memory.fill (local.get $at) (i32.const 0xff) (local.get $size))))`;

/** Ends in each way that WebAssembly forbids. */
const traps = `(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (type $nothing (func))
  (func (export "fine") (result i32) (i32.const 1))
  (func (export "unreachable") unreachable)
  (func (export "divide by zero") (drop (i32.div_u (i32.const 1) (i32.const 0))))
  (func (export "out of bounds") (drop (i32.load (i32.const 65533))))
  (func (export "call nothing") (call_indirect (type $nothing) (i32.const 0)))
  (func $deep (export "recurse for ever") (call $deep)))`;

/** FNV-1a of 32 bits, as WebAssembly gives it: signed. */
function fnv(bytes) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at += 1) hash = imul(hash ^ bytes[at], 0x01000193);
  return hash | 0;
}

/** The binary module of a text. */
function binary(wat) {
  const script =
    'import base64, sys, wasmtime; ' +
    'print(base64.b64encode(wasmtime.wat2wasm(sys.argv[1])).decode())';
  return Buffer.from(runPython('-c', script, wat), 'base64');
}

module.exports = { identity, hashesLayers, hashesInPlace, traps, fnv, binary };
