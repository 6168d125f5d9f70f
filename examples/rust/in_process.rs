//! The stand-in inside the process of a test: nothing to start, no port to choose, nothing left behind.

use jiff::SignedDuration;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use wamedia::stand_in::embedded::Embedded;
use wamedia::stand_in::expect::Bounds;
use wamedia::stand_in::journal::Filter;
use wamedia::stand_in::worlds::World;

/// What an application does: any HTTP client, pointed here instead of at https://graph.facebook.com.
struct Application {
    client: Client,
    base: String,
    token: String,
    number: String,
}

impl Application {
    fn new(stand_in: &Embedded, world: &World) -> Self {
        let base = format!("{}/v23.0", stand_in.base());
        let (token, number) = (world.token.secret.clone(), world.number.id.to_string());
        Self { client: Client::new(), base, token, number }
    }

    /// Uploads a text; tries again once where the service fails.
    async fn upload(&self, text: &'static str) -> anyhow::Result<String> {
        let mut answer = self.try_upload(text).await?;
        if answer.status().is_server_error() {
            answer = self.try_upload(text).await?;
        }
        let body: Value = answer.error_for_status()?.json().await?;
        Ok(body["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn try_upload(&self, text: &'static str) -> reqwest::Result<reqwest::Response> {
        let file = Part::bytes(text.as_bytes()).file_name("note.txt").mime_str("text/plain")?;
        let form = Form::new().text("messaging_product", "whatsapp").part("file", file);
        let url = format!("{}/{}/media", self.base, self.number);
        self.client.post(url).bearer_auth(&self.token).multipart(form).send().await
    }

    async fn look(&self, id: &str) -> reqwest::Result<StatusCode> {
        let url = format!("{}/{id}", self.base);
        Ok(self.client.get(url).bearer_auth(&self.token).send().await?.status())
    }
}

#[tokio::test]
async fn the_application_tries_again_and_media_dies_after_thirty_days() -> anyhow::Result<()> {
    let stand_in = Embedded::start().await?;
    let world = stand_in.world("orders").await?;
    let application = Application::new(&stand_in, &world);

    stand_in.arm(r#"{"world":"orders","action":"upload","error":"internal"}"#)?;
    let id = application.upload("hello").await?;
    let uploads = Filter { action: Some("upload".to_owned()), ..Filter::default() };
    let made = stand_in.expect(&uploads, Bounds { count: Some(2), ..Bounds::default() }).await?;
    assert_eq!([made[0].outcome, made[1].outcome], ["internal", "ok"]);

    assert_eq!(application.look(&id).await?, StatusCode::OK);
    stand_in.clock().advance(SignedDuration::from_hours(31 * 24));
    assert_eq!(application.look(&id).await?, StatusCode::BAD_REQUEST);
    stand_in.shutdown().await;
    Ok(())
}
