//! Id in, nothing left: the record and its key are gone before the answer, the bytes soon after.

use jiff::Timestamp;

use super::{Caller, check_number, find_media};
use crate::app::App;
use crate::error::MediaError;

/// Deletes the caller's media; its id and every link of it are dead from now on.
///
/// # Errors
/// As [`find_media`] and [`check_number`] say; the second of two deletes finds nothing.
pub async fn delete(
    app: &App,
    caller: &Caller,
    id: &str,
    asked_number: Option<&str>,
    now: Timestamp,
) -> Result<(), MediaError> {
    caller.check_permission()?;
    let media = find_media(&app.store.catalog().view(), caller, id, now)?;
    check_number(&media, asked_number)?;
    let deleted = app.store.delete(caller.account(), media.id, now).await?;
    if deleted { Ok(()) } else { Err(MediaError::NoSuchMedia { id: id.to_owned() }) }
}
