"""Guests in WAT."""

ECHO = """
(module
  (memory (export "memory") 2)
  (func (export "nothing"))
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "several") (param i32 i64 f32 f64) (result i32 i64 f32 f64)
    (local.get 0) (local.get 1) (local.get 2) (local.get 3))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "trap") unreachable))
"""

READS_FOR_EVER = """
(module
  (import "env" "memory64_read" (func $read (param i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $turns (mut i64) (i64.const 0))
  (func (export "run")
    (loop $again
      (drop (call $read (i64.const 0) (i32.const 0) (i32.const 1)))
      (global.set $turns (i64.add (global.get $turns) (i64.const 1)))
      (br $again)))
  (func (export "turns") (result i64) (global.get $turns)))
"""
"""How far it came can be seen in the runtime's count of reads, from outside and meanwhile."""

STARTS_AND_LOOPS = "(module (func $start (loop (br 0))) (start $start))"

WIDE = """
(module
  (memory 1)
  (table 1 funcref)
  (func $vector (export "vector") (result v128) (v128.const i64x2 1 2))
  (func (export "takes_vector") (param v128))
  (func (export "reference") (result funcref) (ref.func $vector))
  (func (export "takes_reference") (param externref))
  (func (export "number") (result i32) (i32.const 5)))
"""
