//! How often each byte occurs in a tensor, which is read piece by piece.
//!
//!     cp "$(memory64 guest include)/memory64.rs" .
//!     rustc --edition 2021 --target wasm32-unknown-unknown --crate-type cdylib -O \
//!         -C panic=abort -C strip=debuginfo byte_histogram.rs

#![no_std]

mod memory64;

use core::{panic::PanicInfo, slice, str};

const PIECE: usize = 1 << 16;
const NAME_BYTES: usize = 256;

static mut NAME: [u8; NAME_BYTES] = [0; NAME_BYTES];
static mut COUNTS: [u64; 256] = [0; 256];

/// Where the host writes the name of a tensor.
#[no_mangle]
pub extern "C" fn name() -> *mut u8 {
    unsafe { core::ptr::addr_of_mut!(NAME).cast() }
}

/// Where the host finds the 256 counts.
#[no_mangle]
pub extern "C" fn counts() -> *mut u64 {
    unsafe { core::ptr::addr_of_mut!(COUNTS).cast() }
}

/// Count the bytes of the tensor whose name of `length` bytes was written: 0, or the error as a
/// negative number.
#[no_mangle]
pub extern "C" fn histogram(length: usize) -> i32 {
    let name = unsafe { slice::from_raw_parts(name(), length.min(NAME_BYTES)) };
    let counts = unsafe { slice::from_raw_parts_mut(counts(), 256) };
    match count(str::from_utf8(name).unwrap_or(""), counts) {
        Ok(()) => 0,
        Err(error) => -(error as i32),
    }
}

fn count(name: &str, counts: &mut [u64]) -> memory64::Result<()> {
    let tensor = memory64::find_tensor(None, name)?;
    let mut piece = [0; PIECE];
    let mut done = 0;
    counts.fill(0);
    while done < tensor.bytes {
        let size = PIECE.min((tensor.bytes - done) as usize);
        memory64::read(tensor.offset + done, &mut piece[..size])?;
        for &byte in &piece[..size] {
            counts[byte as usize] += 1;
        }
        done += size as u64;
    }
    Ok(())
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
