//! What passes to the HTTP library: whole heads that are read in one way, and bodies. Everything else is held back.

use tokio::io::ReadBuf;

use crate::http::framing::{Framing, HeadLimits, Refusal, Step};

/// The path of the request that stands in for a refused one. Only believed where the connection's signals say that one
/// was refused.
pub const REFUSED_PATH: &str = "/-/refused";

pub(super) const STAND_IN: &[u8] = b"GET /-/refused HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

/// Between what was read and what the library sees.
pub(super) struct Sieve {
    framing: Framing,
    /// The beginning of a head that is not whole, or bytes that were read behind one.
    held: Vec<u8>,
    /// Bytes of `held` that may pass.
    passable: usize,
}

impl Sieve {
    pub(super) fn new(limits: HeadLimits) -> Self {
        Self { framing: Framing::new(limits), held: Vec::new(), passable: 0 }
    }

    /// Whether the next byte begins a request, or is within its head.
    pub(super) fn in_head(&self) -> bool {
        self.framing.in_head()
    }

    /// Whether nothing is held back.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Lets bytes that were just read into `buf`, from `start`, pass, holds them back, or puts the stand-in for a
    /// refused request in their place and tells why.
    pub(super) fn examine(&mut self, buf: &mut ReadBuf<'_>, start: usize) -> Result<(), Refusal> {
        if !self.held.is_empty() {
            return self.examine_held(buf, start);
        }
        // The common case: a whole head, or a piece of body, passes where it was read.
        let fresh = buf.filled().len() - start;
        let mut passed = 0;
        while passed < fresh {
            match self.framing.step(&buf.filled()[start + passed..]) {
                Ok(Step::Pass(count)) => passed += count,
                Ok(Step::HeadBegins) => break,
                Err(refusal) => {
                    buf.set_filled(start + passed);
                    self.stand_in(buf);
                    return Err(refusal);
                }
            }
        }
        self.held.extend_from_slice(&buf.filled()[start + passed..]);
        buf.set_filled(start + passed);
        Ok(())
    }

    fn examine_held(&mut self, buf: &mut ReadBuf<'_>, start: usize) -> Result<(), Refusal> {
        self.held.extend_from_slice(&buf.filled()[start..]);
        buf.set_filled(start);
        while self.passable < self.held.len() {
            match self.framing.step(&self.held[self.passable..]) {
                Ok(Step::Pass(count)) => self.passable += count,
                Ok(Step::HeadBegins) => break,
                Err(refusal) => {
                    self.stand_in(buf);
                    return Err(refusal);
                }
            }
        }
        self.release(buf);
        Ok(())
    }

    /// In the place of whatever may not pass.
    fn stand_in(&mut self, buf: &mut ReadBuf<'_>) {
        self.held.truncate(self.passable);
        self.held.extend_from_slice(STAND_IN);
        self.passable = self.held.len();
        self.release(buf);
    }

    /// Moves passable bytes out; true if there were any.
    pub(super) fn release(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let count = self.passable.min(buf.remaining());
        if count > 0 {
            buf.put_slice(&self.held[..count]);
            self.held.drain(..count);
            self.passable -= count;
            if self.held.is_empty() {
                self.held = Vec::new();
            }
        }
        count > 0
    }
}
