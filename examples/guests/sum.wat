;; The sum of a layer's bytes, negative where it cannot be loaded.
(module
  (import "env" "memory64_load_layer"
    (func $load_layer (param $layer i32) (param $pointer i32) (param $max_size i32) (result i32)))
  (import "env" "memory64_layer_size" (func $layer_size (param $layer i32) (result i64)))
  (memory (export "memory") 1)

  (func (export "sum") (param $layer i32) (result i64)
    (local $at i32) (local $end i32) (local $sum i64)
    (call $make_room (i32.wrap_i64 (call $layer_size (local.get $layer))))
    (local.set $end
      (call $load_layer (local.get $layer) (i32.const 0)
        (i32.shl (memory.size) (i32.const 16))))
    (if (i32.lt_s (local.get $end) (i32.const 0))
      (then (return (i64.extend_i32_s (local.get $end)))))
    (block $done
      (loop $bytes
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $bytes)))
    (local.get $sum))

  ;; Grow to `size` bytes. Where that fails, loading says that the buffer is too small.
  (func $make_room (param $size i32)
    (local $missing i32)
    (local.set $missing
      (i32.sub (i32.shr_u (i32.add (local.get $size) (i32.const 0xffff)) (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then (drop (memory.grow (local.get $missing)))))))
