//! Before anything is sent: what the file is, and whether WhatsApp would take it.
//!
//! A path is judged where its bytes decide, on a thread that may block; bytes in memory likewise. Of a stream only the
//! beginning is looked at, which tells its type and no more.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use wamedia_media::{
    Examined, Found, InspectOptions, Kind, MediaType, MimeType, Refusal, Rule, Source, Strictness, Warning,
    find, guess,
};

use super::ready::{Ready, Replay, Rest};
use super::{Content, Preflight, file_name};
use crate::{Error, Rejection};

/// As much of a stream as tells its type; also one piece on its way.
const HEAD_BYTES: usize = 64 * 1024;

/// What was said of a file by who uploads it.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) declared: Option<MimeType>,
    pub(super) file_name: Option<String>,
    pub(super) preflight: Preflight,
}

/// What a file is sent as.
struct Judged {
    media_type: String,
    extension: Option<&'static str>,
    max_bytes: u64,
    warnings: Vec<Warning>,
}

/// Judges what is uploaded.
///
/// # Errors
/// [`Error::Rejected`] for what would be refused, [`Error::Io`] for what cannot be read.
pub(super) async fn prepare(content: Content, said: Said) -> Result<Ready, Error> {
    match content {
        Content::Path(path) => of_path(path, said).await,
        Content::Bytes(bytes) => of_bytes(bytes, said).await,
        Content::Stream { reader, bytes } => of_stream(reader, bytes, said).await,
    }
}

async fn of_path(path: PathBuf, mut said: Said) -> Result<Ready, Error> {
    let named = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let looked_at = path.clone();
    let meta = tokio::fs::metadata(&looked_at).await.map_err(|error| Error::io(Some(&looked_at), error))?;
    if meta.is_dir() {
        return Err(Error::io(Some(&path), io::ErrorKind::IsADirectory.into()));
    }
    if !meta.is_file() {
        // A pipe can be read once and from its beginning.
        let reader = tokio::fs::File::open(&path).await.map_err(|error| Error::io(Some(&path), error))?;
        return of_stream(Box::pin(reader), None, said).await;
    }
    said.file_name = said.file_name.or(named);
    let name = said.file_name.clone();
    let (bytes, judged) = blocking(move || {
        let file = File::open(&looked_at).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (bytes, file) = file.map_err(|error| Error::io(Some(&looked_at), error))?;
        let judged = judge(&mut Seekable { file, bytes }, &said, Some(&looked_at))?;
        Ok((bytes, judged))
    })
    .await?;
    Ok(judged.ready(Replay::Path(path), Some(bytes), name))
}

async fn of_bytes(bytes: Bytes, said: Said) -> Result<Ready, Error> {
    let name = said.file_name.clone();
    let source = bytes.clone();
    let judged = blocking(move || judge(&mut &*source, &said, None)).await?;
    let length = bytes.len() as u64;
    Ok(judged.ready(Replay::Bytes(bytes), Some(length), name))
}

async fn of_stream(
    mut reader: Pin<Box<dyn AsyncRead + Send>>,
    bytes: Option<u64>,
    said: Said,
) -> Result<Ready, Error> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let mut beginning = (&mut reader).take(HEAD_BYTES as u64);
    beginning.read_to_end(&mut head).await.map_err(|error| Error::io(None, error))?;
    let head = Bytes::from(head);
    if head.len() < HEAD_BYTES {
        let length = head.len() as u64;
        if bytes.is_some_and(|bytes| bytes != length) {
            let text = format!("the stream was said to have {} bytes, it has {length}", bytes.unwrap_or(0));
            return Err(Error::io(None, io::Error::new(io::ErrorKind::InvalidData, text)));
        }
        return of_bytes(head, said).await;
    }
    let judged = judge_head(&head, bytes, &said)?;
    let again = Replay::Stream { head, rest: Rest::new(reader) };
    Ok(judged.ready(again, bytes, said.file_name))
}

/// What a file is to be sent as, or why it would be refused.
fn judge(source: &mut dyn Source, said: &Said, path: Option<&Path>) -> Result<Judged, Error> {
    let strictness = match said.preflight {
        Preflight::Judge => Some(Strictness::default()),
        Preflight::JudgeAs(strictness) => Some(strictness),
        Preflight::Off => None,
    };
    if let (None, Some(declared)) = (strictness, &said.declared) {
        return Ok(Judged::unjudged(declared));
    }
    let file = Examined::read(source).map_err(|error| Error::io(path, error))?;
    let row = row_of(&file, said)?;
    let Some(strictness) = strictness else { return Ok(Judged::as_row(row, Vec::new())) };
    let declared_codecs = said.declared.as_ref().and_then(MimeType::codecs);
    let options = InspectOptions { strictness, file_name: said.file_name.as_deref(), declared_codecs };
    let verdict = file.judge(row, &options);
    match verdict.refusal {
        Some(refusal) => Err(refused(refusal, verdict.warnings, &file, Some(row.mime.to_owned()))),
        None => Ok(Judged::as_row(row, verdict.warnings)),
    }
}

/// The same by a beginning: its type, and its size if that is known. Rules of structure need the whole file.
fn judge_head(mut head: &[u8], bytes: Option<u64>, said: &Said) -> Result<Judged, Error> {
    let is_judged = said.preflight != Preflight::Off;
    if let (false, Some(declared)) = (is_judged, &said.declared) {
        return Ok(Judged::unjudged(declared));
    }
    let file = Examined::read(&mut head).map_err(|error| Error::io(None, error))?;
    let row = row_of(&file, said)?;
    if !is_judged {
        return Ok(Judged::as_row(row, Vec::new()));
    }
    if let Some(bytes) = bytes.filter(|bytes| *bytes > row.max_bytes) {
        return Err(refused(too_large(row, bytes), Vec::new(), &file, Some(row.mime.to_owned())));
    }
    let refusal = file.judge(row, &InspectOptions::default()).refusal;
    match refusal.filter(|refusal| is_told_by_head(refusal.rule, &file)) {
        Some(refusal) => Err(refused(refusal, Vec::new(), &file, Some(row.mime.to_owned()))),
        None => Ok(Judged::as_row(row, Vec::new())),
    }
}

/// Whether a beginning is enough to refuse for this reason. Office documents are told apart by their ends.
fn is_told_by_head(rule: Rule, file: &Examined) -> bool {
    let found = MimeType::parse(file.found().mime).ok().and_then(|found| find(&found));
    match rule {
        Rule::UnsupportedType => true,
        Rule::WrongType => found.is_some_and(|found| found.kind != Kind::Document),
        _ => false,
    }
}

/// The row of the type table: the declared type's, else what content and name tell.
fn row_of(file: &Examined, said: &Said) -> Result<&'static MediaType, Error> {
    match &said.declared {
        Some(declared) => find(declared).ok_or_else(|| {
            refused(file.refuse_declared(declared), Vec::new(), file, Some(declared.to_string()))
        }),
        None => guess(&file.found(), said.file_name.as_deref())
            .ok_or_else(|| refused(file.refuse_content(None), Vec::new(), file, None)),
    }
}

impl Judged {
    fn ready(self, again: Replay, bytes: Option<u64>, file_name: Option<String>) -> Ready {
        let file_name = file_name::sanitised(file_name.as_deref().unwrap_or(""), self.extension);
        let Self { media_type, max_bytes, warnings, .. } = self;
        Ready { again, bytes, max_bytes, media_type, file_name, warnings }
    }

    fn as_row(row: &'static MediaType, warnings: Vec<Warning>) -> Self {
        let extension = Some(row.extension);
        Self { media_type: row.mime.to_owned(), extension, max_bytes: row.max_bytes, warnings }
    }

    /// As it was declared. Nothing is known of it, and nothing over 100 MiB is taken anywhere.
    fn unjudged(declared: &MimeType) -> Self {
        Self {
            media_type: declared.as_str().to_owned(),
            extension: find(declared).map(|row| row.extension),
            max_bytes: u64::MAX,
            warnings: Vec::new(),
        }
    }
}

fn refused(refusal: Refusal, warnings: Vec<Warning>, file: &Examined, media_type: Option<String>) -> Error {
    let (refusal, found) = (Box::new(refusal), file.found());
    Error::Rejected(Box::new(Rejection::Preflight { refusal, warnings, found, media_type }))
}

/// What to tell of a stream that turned out to be longer than its type may be.
pub(super) fn grew_too_large(media_type: &str, bytes: u64) -> Error {
    let Some(row) = MimeType::parse(media_type).ok().and_then(|declared| find(&declared)) else {
        return Error::TooLong { limit: bytes };
    };
    let (refusal, found) = (Box::new(too_large(row, bytes)), Found { mime: row.mime, name: row.name });
    let media_type = Some(row.mime.to_owned());
    Error::Rejected(Box::new(Rejection::Preflight { refusal, warnings: Vec::new(), found, media_type }))
}

/// The refusal of what only its length was seen of.
fn too_large(row: &MediaType, bytes: u64) -> Refusal {
    let limit = row.max_bytes;
    Refusal {
        rule: Rule::TooLarge,
        message: format!("{} may be at most {limit} bytes, this file has {bytes}", row.mime),
        details: "File Too Large: The file you uploaded is too large.".to_owned(),
        remedy: Rule::TooLarge.remedy(),
        hint: None,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::io(None, io::Error::other(error)))?
}

/// A file that is read where it decides.
struct Seekable {
    file: File,
    bytes: u64,
}

impl Source for Seekable {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.seek(SeekFrom::Start(offset))?;
        let mut filled = 0;
        while filled < buf.len() {
            match self.file.read(&mut buf[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn sample(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/samples").join(name)
    }

    fn said() -> Said {
        Said { declared: None, file_name: None, preflight: Preflight::Judge }
    }

    fn declared(media_type: &str) -> Said {
        Said { declared: Some(MimeType::parse(media_type).unwrap()), ..said() }
    }

    fn stream(bytes: Vec<u8>, length: Option<u64>) -> Content {
        Content::Stream { reader: Box::pin(std::io::Cursor::new(bytes)), bytes: length }
    }

    fn refusal(refused: Result<Ready, Error>) -> Refusal {
        match refused {
            Err(Error::Rejected(rejection)) => match *rejection {
                Rejection::Preflight { refusal, .. } => *refusal,
                Rejection::Service(answer) => panic!("{answer}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn the_type_is_the_contents_and_the_name_the_files_own() {
        let ready = prepare(Content::Path(sample("image/rgb.png")), said()).await.unwrap();
        assert_eq!((ready.media_type.as_str(), ready.file_name.as_str()), ("image/png", "rgb.png"));
        let bytes = Bytes::from(std::fs::read(sample("image/rgb.jpg")).unwrap());
        let ready = prepare(Content::Bytes(bytes.clone()), said()).await.unwrap();
        assert_eq!((ready.media_type.as_str(), ready.file_name.as_str()), ("image/jpeg", "file.jpg"));
        let ready = prepare(stream(bytes.to_vec(), None), said()).await.unwrap();
        assert_eq!((ready.media_type.as_str(), ready.bytes), ("image/jpeg", Some(bytes.len() as u64)));
        assert!(ready.is_replayable());
    }

    #[tokio::test]
    async fn what_would_be_refused_is_refused_unless_told_not_to() {
        let png = || Content::Path(sample("image/rgb.png"));
        assert_eq!(refusal(prepare(png(), declared("image/jpeg")).await).rule, Rule::WrongType);
        assert_eq!(refusal(prepare(png(), declared("image/gif")).await).rule, Rule::UnsupportedType);
        assert_eq!(refusal(prepare(Content::Bytes(Bytes::new()), said()).await).rule, Rule::Empty);
        let ready =
            prepare(png(), Said { preflight: Preflight::Off, ..declared("image/gif") }).await.unwrap();
        assert_eq!(ready.media_type, "image/gif");
    }

    #[tokio::test]
    async fn of_a_stream_the_beginning_is_judged() {
        let mut long = std::fs::read(sample("image/rgb.png")).unwrap();
        long.resize(HEAD_BYTES + 10, 0);
        let bytes = long.len() as u64;
        let ready = prepare(stream(long.clone(), None), said()).await.unwrap();
        assert_eq!(
            (ready.media_type.as_str(), ready.bytes, ready.is_replayable()),
            ("image/png", None, true)
        );
        assert_eq!(
            refusal(prepare(stream(long.clone(), None), declared("image/jpeg")).await).rule,
            Rule::WrongType
        );
        assert_eq!(refusal(prepare(stream(long.clone(), Some(6 << 20)), said()).await).rule, Rule::TooLarge);
        let mut pieces = ready.open().await.unwrap();
        let mut read = Vec::new();
        while let Some(piece) = poll_fn(|cx| pieces.as_mut().poll_piece(cx)).await.unwrap() {
            read.extend_from_slice(&piece);
        }
        assert_eq!((read.len() as u64, ready.is_replayable()), (bytes, false));
        assert!(read == long);
        assert!(matches!(prepare(stream(vec![b'a'; 10], Some(11)), said()).await, Err(Error::Io { .. })));
    }

    #[tokio::test]
    async fn office_documents_are_not_refused_by_their_beginnings() {
        let mut zip = b"PK\x03\x04".to_vec();
        zip.resize(HEAD_BYTES * 2, 7);
        let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        let ready = prepare(stream(zip.clone(), None), declared(docx)).await.unwrap();
        assert_eq!(ready.media_type, docx);
        let named = Said { file_name: Some("a.docx".to_owned()), ..said() };
        assert_eq!(prepare(stream(zip, None), named).await.unwrap().media_type, docx);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_named() {
        for path in ["/nonexistent/cat.jpg", "/"] {
            let error = prepare(Content::Path(path.into()), said()).await.unwrap_err();
            assert!(error.to_string().starts_with(path), "{error}");
        }
    }
}
