//! Files that are there from the start, uploaded for the first number as a client would.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::Full;
use serde::Serialize;
use wamedia_store::StoreError;

use crate::app::App;
use crate::error::MediaError;
use crate::form::Form;
use crate::operations::accounts::AccountError;
use crate::operations::{Caller, Upload, upload};

/// A file that is there from the start.
#[derive(Clone, Debug, Serialize)]
pub struct Preloaded {
    /// Its name in the folder.
    pub file: String,
    /// Its media id.
    pub media_id: String,
    /// Its type.
    pub mime_type: String,
}

/// Why the files are not there.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum PreloadError {
    #[error("{path}: {source}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} has no extension of a type that WhatsApp takes", path = path.display())]
    Extension { path: PathBuf },
    #[error("{path} is refused: {reason}", path = path.display())]
    Refused { path: PathBuf, reason: MediaError },
    #[error("there is no number to preload files for")]
    NoNumber,
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Uploads the files of the stand-in's folder in the order of their names, and remembers their ids. Hidden files and
/// folders are left alone.
///
/// # Errors
/// The first file that cannot be read or is refused.
pub async fn preload(app: &App) -> Result<(), PreloadError> {
    let Some((stand_in, dir)) = app.stand_in.as_ref().and_then(|it| Some((it, it.preload_dir()?))) else {
        return Ok(());
    };
    let caller = Caller::first(app)?.ok_or(PreloadError::NoNumber)?;
    let numbers = app.store.catalog().phone_numbers(Some(caller.account()))?;
    let number = numbers.first().ok_or(PreloadError::NoNumber)?.id;
    let mut preloaded = Vec::new();
    for path in files(dir)? {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mime_type = type_of(&path).ok_or_else(|| PreloadError::Extension { path: path.clone() })?;
        let bytes = fs::read(&path).map_err(|source| PreloadError::Io { path: path.clone(), source })?;
        let refused = |reason| PreloadError::Refused { path: path.clone(), reason };
        let mut body = Full::new(form(&file, mime_type, &bytes));
        let mut form = Form::new(Some(CONTENT_TYPE), &mut body).map_err(refused)?;
        let wanted =
            Upload { caller: &caller, phone_number_id: number, messaging_product: None, encounter: None };
        let id = upload(app, wanted, &mut form).await.map_err(refused)?;
        preloaded.push(Preloaded { file, media_id: id.to_string(), mime_type: mime_type.to_owned() });
    }
    stand_in.set_preloaded(preloaded);
    Ok(())
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, PreloadError> {
    let at = |source| PreloadError::Io { path: dir.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(at)? {
        let path = entry.map_err(at)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_file() && !hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// By the extension, in either case.
fn type_of(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    let extension = extension.as_str();
    // No client declares it, and it is refused.
    let rows = || wamedia_media::MEDIA_TYPES.iter().filter(|row| row.mime != "audio/opus");
    let row = rows().find(|row| row.extension == extension);
    row.or_else(|| rows().find(|row| row.also.contains(&extension))).map(|row| row.mime)
}

/// Drawn once; no file that is not made for it holds such a line.
const BOUNDARY: &str = "wamedia-7f1d0b62c9a54e38";
const CONTENT_TYPE: &str = "multipart/form-data; boundary=wamedia-7f1d0b62c9a54e38";

fn form(file: &str, mime_type: &str, bytes: &[u8]) -> Bytes {
    let name: String = file.chars().map(|c| if c == '"' || c.is_control() { '_' } else { c }).collect();
    let disposition = "Content-Disposition: form-data; name=";
    let head = format!(
        "--{BOUNDARY}\r\n{disposition}\"messaging_product\"\r\n\r\nwhatsapp\r\n\
         --{BOUNDARY}\r\n{disposition}\"file\"; filename=\"{name}\"\r\nContent-Type: {mime_type}\r\n\r\n"
    );
    let mut form = Vec::with_capacity(head.len() + bytes.len() + 64);
    form.extend_from_slice(head.as_bytes());
    form.extend_from_slice(bytes);
    form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    form.into()
}
