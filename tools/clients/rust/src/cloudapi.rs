//! wacloudapi: the address is an option. Its download sends an empty credential, so it cannot work anywhere.

use wacloudapi::Client;

use crate::{Here, Told};

pub async fn call(here: &Here, call: &[&str]) -> Told {
    let media = Client::with_config(&here.token, &here.phone_number_id, "v21.0", &here.base).media();
    match *call {
        ["upload", path, mime] => {
            let name = path.rsplit('/').next().unwrap_or(path);
            Ok(media.upload_bytes(&std::fs::read(path)?, name, mime).await?.id.into_bytes())
        }
        ["url", id] => Ok(media.get_url(id).await?.url.into_bytes()),
        ["download", id] => Ok(media.download(id).await?),
        ["delete", id] => Ok(media.delete(id).await?.success.to_string().into_bytes()),
        _ => Err("no such call".into()),
    }
}
