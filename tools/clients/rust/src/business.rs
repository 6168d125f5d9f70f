//! whatsapp-business-rs: the address comes by `API_BASE_URL_FOR_TESTING` where its feature `test-mode` is on.

use whatsapp_business_rs::client::Client;
use whatsapp_business_rs::message::{Content, Media, MediaSource, MediaType};

use crate::{Here, Told};

pub async fn call(here: &Here, call: &[&str]) -> Told {
    let client = Client::builder().auth(here.token.as_str()).build()?;
    let manager = client.message(here.phone_number_id.as_str());
    match *call {
        ["upload", path, mime] => {
            let name = path.rsplit('/').next().unwrap_or(path).to_owned();
            let media_type: MediaType = mime.parse()?;
            Ok(manager.upload_media(std::fs::read(path)?, media_type, name).await?.into_bytes())
        }
        ["url", id] => Ok(manager.get_media_info(id).await?.url().to_owned().into_bytes()),
        ["download", id] => {
            let media_type: MediaType = "image/jpeg".parse()?;
            let content = Content::from(Media::new(MediaSource::Id(id.to_owned()), media_type));
            let mut bytes = Vec::new();
            content.download_media(&mut bytes, &client).ok_or("not media")?.await?;
            Ok(bytes)
        }
        ["delete", id] => {
            manager.delete_media(id).await?;
            Ok(b"true".to_vec())
        }
        _ => Err("no such call".into()),
    }
}
