//! A line to the service that breaks when it is told to: a relay of bytes, which knows no HTTP.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The relay. It ends with the process.
pub struct Line {
    pub base: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_dark: AtomicBool,
    /// Every so many connections one breaks; 0 for none.
    breaks_every: AtomicUsize,
    connections: AtomicUsize,
    broken: AtomicUsize,
}

/// What a connection that breaks has carried when it does, towards the service.
const CARRIED: usize = 20_000;

impl Line {
    /// To the service at `base`.
    pub fn to(base: &str) -> Self {
        let far = base.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let number = shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
                let every = shared.breaks_every.load(Ordering::Relaxed);
                // Who is in the dark is hung up on.
                let Some(far) = (!shared.is_dark.load(Ordering::Relaxed)).then(|| TcpStream::connect(&far))
                else {
                    continue;
                };
                let limit = (every > 0 && number.is_multiple_of(every)).then_some(CARRIED);
                relay(near, far.unwrap(), limit, &shared);
            }
        });
        Self { base, state }
    }

    /// Lets every so many connections break in the middle of what they carry.
    pub fn breaks_every(&self, connections: usize) {
        self.state.breaks_every.store(connections, Ordering::Relaxed);
    }

    pub fn goes_dark(&self, is_dark: bool) {
        self.state.is_dark.store(is_dark, Ordering::Relaxed);
    }

    /// Connections that broke.
    pub fn broken(&self) -> usize {
        self.state.broken.load(Ordering::Relaxed)
    }
}

fn relay(near: TcpStream, far: TcpStream, limit: Option<usize>, state: &Arc<State>) {
    let (back_from, back_to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
    let forth = state.clone();
    std::thread::spawn(move || carry(near, far, limit, &forth));
    let back = state.clone();
    std::thread::spawn(move || carry(back_from, back_to, None, &back));
}

/// Carries one direction until its end, its limit, or the dark; then both are hung up.
fn carry(mut from: TcpStream, mut to: TcpStream, limit: Option<usize>, state: &State) {
    let (mut piece, mut carried) = ([0; 8192], 0);
    while let Ok(read @ 1..) = from.read(&mut piece) {
        carried += read;
        let breaks = limit.is_some_and(|limit| carried > limit);
        state.broken.fetch_add(usize::from(breaks), Ordering::Relaxed);
        if breaks || state.is_dark.load(Ordering::Relaxed) || to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
