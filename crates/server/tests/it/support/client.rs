//! Who asks: a credential of one dialect, and the four actions in it.

use std::net::SocketAddr;

use super::raw::{Answer, Connection, Request};
use super::upload::Upload;

/// What a request carries to say who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    None,
    Token(String),
    Key(String),
}

/// A caller. Each request goes over a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: SocketAddr,
    pub credential: Credential,
    /// In front of ids: `/v23.0`, or nothing.
    pub base: String,
    pub upload_path: String,
}

impl Client {
    /// A request with this caller's credential.
    pub fn request(&self, method: &str, target: &str) -> Request {
        self.credential.sign(Request::new(method, target))
    }

    pub async fn send(&self, request: &Request) -> Answer {
        Connection::open(self.address).await.ask(request).await
    }

    pub fn upload_request(&self, upload: &Upload) -> Request {
        self.credential.sign(upload.to(&self.upload_path))
    }

    pub async fn upload(&self, upload: &Upload) -> Answer {
        self.send(&self.upload_request(upload)).await
    }

    /// Uploads what must be accepted; the id.
    pub async fn keep(&self, upload: &Upload) -> String {
        let answer = self.upload(upload).await;
        assert_eq!(answer.status(), 200, "{}", answer.shown());
        id_of(&answer)
    }

    pub async fn retrieve(&self, id: &str) -> Answer {
        self.send(&self.request("GET", &format!("{}/{id}", self.base))).await
    }

    /// Path and query of a new link.
    pub async fn link(&self, id: &str) -> String {
        let answer = self.retrieve(id).await;
        assert_eq!(answer.status(), 200, "{}", answer.shown());
        path_and_query(answer.json()["url"].as_str().expect("a url"))
    }

    pub async fn download(&self, link: &str) -> Answer {
        self.send(&self.request("GET", link)).await
    }

    /// The bytes of a media, by a new link.
    pub async fn fetch(&self, id: &str) -> Vec<u8> {
        let answer = self.download(&self.link(id).await).await;
        assert_eq!(answer.status(), 200, "{}", answer.shown());
        assert!(answer.whole);
        answer.body
    }

    pub async fn delete(&self, id: &str) -> Answer {
        self.send(&self.request("DELETE", &format!("{}/{id}", self.base))).await
    }
}

impl Credential {
    pub fn sign(&self, request: Request) -> Request {
        match self {
            Self::None => request,
            Self::Token(token) => request.header("Authorization", &format!("Bearer {token}")),
            Self::Key(key) => request.header("D360-API-KEY", key),
        }
    }
}

/// The id of an upload's answer, which has nothing else.
#[track_caller]
pub fn id_of(answer: &Answer) -> String {
    let id = answer.text().strip_prefix(r#"{"id":""#).and_then(|rest| rest.strip_suffix(r#""}"#));
    let id = id.unwrap_or_else(|| panic!("{}", answer.shown()));
    assert!((15..=17).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit()), "{id}");
    id.to_owned()
}

/// What clients keep of a url when they put another host in front.
pub fn path_and_query(url: &str) -> String {
    let at = url.find("/whatsapp_business/").expect("a link");
    url[at..].to_owned()
}
