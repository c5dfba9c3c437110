//! WebAssembly guests in Rust that use a model through memory64.
//!
//! Needs neither std nor alloc. Put the file beside the crate's root and write `mod memory64;`
//! there; editions up to 2021. `docs/guests.md` has an example.

#![allow(dead_code)]

use core::fmt;

/// Why the host did not do what it was asked for; the numbers are those of `memory64.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    Disabled = 1,
    NotFound = 2,
    BufferTooSmall = 3,
    ReadFailed = 4,
    NoMemory = 5,
    PointerOverflow = 6,
    PointerOutOfBounds = 7,
    WriteFailed = 8,
    TooLarge = 9,
    Unknown = 10,
}

pub type Result<T> = core::result::Result<T, Error>;

impl Error {
    /// The error in words.
    pub fn text(self) -> &'static str {
        match self {
            Error::Disabled => "Memory64 is off for this model",
            Error::NotFound => "there is no such layer or tensor",
            Error::BufferTooSmall => "the layer is larger than the buffer",
            Error::ReadFailed => "the host could not read the bytes",
            Error::NoMemory => "the guest exports no memory",
            Error::PointerOverflow => "the buffer reaches beyond 4 GiB",
            Error::PointerOutOfBounds => "the buffer reaches beyond the guest's memory",
            Error::WriteFailed => "the host could not write into the guest's memory",
            Error::TooLarge => "more than 2 GiB cannot be copied at once",
            Error::Unknown => "unknown error",
        }
    }

    fn of(answer: i64) -> Error {
        match answer {
            -1 => Error::Disabled,
            -2 => Error::NotFound,
            -3 => Error::BufferTooSmall,
            -4 => Error::ReadFailed,
            -5 => Error::NoMemory,
            -6 => Error::PointerOverflow,
            -7 => Error::PointerOutOfBounds,
            -8 => Error::WriteFailed,
            -9 => Error::TooLarge,
            _ => Error::Unknown,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.text())
    }
}

/// A tensor of the model.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tensor {
    /// For `read`.
    pub offset: u64,
    /// In what `load_layer` copies; 0 for a tensor of no layer.
    pub layer_offset: u64,
    /// Of its quantised blocks.
    pub bytes: u64,
    /// GGML's number: 0 F32, 1 F16, 2 Q4_0, 3 Q4_1, 8 Q8_0, 12 Q4_K, …
    pub quant_type: u32,
    /// 1 to 4.
    pub dimensions: u32,
    /// Rows first; 1 beyond its dimensions.
    pub shape: [u64; 4],
}

/// Whether layers and bytes can be had: with Memory64 off, every read fails.
pub fn is_enabled() -> bool {
    unsafe { host::memory64_is_enabled() == 1 }
}

/// How many reads have succeeded so far, by all users of the model.
pub fn stats() -> u64 {
    unsafe { host::memory64_stats() as u64 }
}

/// How many layers there are, numbered from 0.
pub fn layer_count() -> u32 {
    unsafe { host::memory64_layer_count() }
}

/// How many bytes `load_layer` copies for a layer.
pub fn layer_size(layer: u32) -> Result<u64> {
    checked(unsafe { host::memory64_layer_size(layer) }).map(|bytes| bytes as u64)
}

/// Copy a layer to the start of `buffer`: its tensors in the file's order, each at a multiple of
/// the file's alignment. Returns how many bytes it has.
pub fn load_layer(layer: u32, buffer: &mut [u8]) -> Result<u32> {
    let answer =
        unsafe { host::memory64_load_layer(layer, buffer.as_mut_ptr(), buffer.len() as u32) };
    checked(answer.into()).map(|bytes| bytes as u32)
}

/// Fill `buffer` from `offset` on, which counts through all regions: all of it, or nothing.
pub fn read(offset: u64, buffer: &mut [u8]) -> Result<u32> {
    let answer = unsafe { host::memory64_read(offset, buffer.as_mut_ptr(), buffer.len() as u32) };
    // Layers have codes 2 and 3. This function knows no layers, and uses those for what follows.
    let answer = if (-6..=-2).contains(&answer) {
        answer - 2
    } else {
        answer
    };
    checked(answer.into()).map(|bytes| bytes as u32)
}

/// Describe a tensor: of a layer by `"attn_q.weight"`, or of the whole model (`None`) by
/// `"blk.0.attn_q.weight"`.
pub fn find_tensor(layer: Option<u32>, name: &str) -> Result<Tensor> {
    let mut tensor = Tensor::default();
    let layer = layer.unwrap_or(u32::MAX);
    let answer =
        unsafe { host::memory64_tensor(layer, name.as_ptr(), name.len() as u32, &mut tensor) };
    checked(answer.into()).map(|_| tensor)
}

fn checked(answer: i64) -> Result<i64> {
    if answer < 0 {
        Err(Error::of(answer))
    } else {
        Ok(answer)
    }
}

mod host {
    use super::Tensor;

    #[link(wasm_import_module = "env")]
    extern "C" {
        pub fn memory64_load_layer(layer: u32, to: *mut u8, max_size: u32) -> i32;
        pub fn memory64_read(offset: u64, to: *mut u8, size: u32) -> i32;
        pub fn memory64_is_enabled() -> i32;
        pub fn memory64_stats() -> i64;
        pub fn memory64_layer_count() -> u32;
        pub fn memory64_layer_size(layer: u32) -> i64;
        pub fn memory64_tensor(
            layer: u32,
            name: *const u8,
            length: u32,
            record: *mut Tensor,
        ) -> i32;
    }
}
