//! Judging bytes under the rules of their type: at once where they are in memory, else on a thread that may block.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::Handle;
use wamedia_media::{InspectOptions, MediaType, MimeType, Source, Verdict};
use wamedia_store::{BlobReader, Staged};

use crate::app::App;
use crate::error::MediaError;

/// What `media::inspect` makes of staged bytes, under the configured strictness. What fits in memory is judged in about
/// the time that waking another thread takes; the bounds of the probes hold for it as for everything.
///
/// # Errors
/// [`MediaError::Internal`] where the bytes cannot be read.
pub(super) async fn judge_staged(
    app: &App,
    staged: &Staged,
    media_type: &'static MediaType,
    declared: &MimeType,
    file_name: Option<&str>,
) -> Result<Verdict, MediaError> {
    let mut source = staged.source().map_err(|error| MediaError::Internal(error.to_string()))?;
    if !staged.is_in_memory() {
        return judge(app, source, media_type, declared, file_name).await;
    }
    let strictness = app.config.upload.strictness;
    let options = InspectOptions { strictness, file_name, declared_codecs: declared.codecs() };
    // What a thread of its own would do for us.
    let judged = catch_unwind(AssertUnwindSafe(|| wamedia_media::inspect(&mut source, media_type, &options)));
    judged.map_err(|_| io::Error::other("inspection panicked")).flatten().map_err(internal)
}

/// As [`judge_staged`], for any source: on a thread that may block.
///
/// # Errors
/// [`MediaError::Internal`] where the bytes cannot be read.
pub(super) async fn judge(
    app: &App,
    mut source: impl Source + Send + 'static,
    media_type: &'static MediaType,
    declared: &MimeType,
    file_name: Option<&str>,
) -> Result<Verdict, MediaError> {
    let strictness = app.config.upload.strictness;
    let (declared, file_name) = (declared.clone(), file_name.map(str::to_owned));
    let judged = tokio::task::spawn_blocking(move || {
        let options = InspectOptions {
            strictness,
            file_name: file_name.as_deref(),
            declared_codecs: declared.codecs(),
        };
        wamedia_media::inspect(&mut source, media_type, &options)
    });
    judged.await.map_err(io::Error::other).flatten().map_err(internal)
}

fn internal(error: io::Error) -> MediaError {
    MediaError::Internal(error.to_string())
}

/// Media that is kept already, for reading on a blocking thread. Every chunk is verified as it is read.
pub(super) struct Kept {
    blob: BlobReader,
    runtime: Handle,
}

impl Kept {
    /// Reads from `blob`.
    pub(super) fn new(blob: BlobReader) -> Self {
        Self { blob, runtime: Handle::current() }
    }
}

impl Source for Kept {
    fn len(&self) -> u64 {
        self.blob.bytes()
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let bytes = self.runtime.block_on(self.blob.read_at(offset, buf.len())).map_err(io::Error::other)?;
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}
