//! Bytes that nobody may see: wiped when dropped, blind in Debug.

use std::{fmt, io};

use rustix::rand::{GetRandomFlags, getrandom};
use zeroize::Zeroize;

/// Fills `bytes` from the kernel's generator.
///
/// Not from aws-lc's: that one gathers its own entropy first, which took 21 ms of a first start (measured).
pub(crate) fn fill_random(mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let filled = rustix::io::retry_on_intr(|| getrandom(&mut *bytes, GetRandomFlags::empty()))?;
        bytes = &mut bytes[filled..];
    }
    Ok(())
}

/// A fixed number of secret bytes.
#[derive(Clone)]
pub(crate) struct Secret<const N: usize>([u8; N]);

/// The key that seals one blob.
pub(crate) type DataKey = Secret<32>;

impl<const N: usize> Secret<N> {
    /// Fresh random bytes from the system's generator.
    pub(crate) fn random() -> io::Result<Self> {
        let mut secret = Self([0; N]);
        fill_random(&mut secret.0)?;
        Ok(secret)
    }

    /// A copy of `bytes`; `None` when their number is wrong.
    pub(crate) fn copy_from(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// All zero, to be filled.
    pub(crate) fn empty() -> Self {
        Self([0; N])
    }

    /// The bytes, to be filled.
    pub(crate) fn as_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const N: usize> AsRef<[u8; N]> for Secret<N> {
    fn as_ref(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
