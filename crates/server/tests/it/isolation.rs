//! Every target and method of the router, by every kind of caller, for every state of the object.
//!
//! Foreign, unknown, deleted and expired are the same answer, byte for byte, save id and trace; and nothing of one
//! account's bytes or hash is in any answer to another.

use http::Method;
use wamedia::http::Target;
use wamedia_store::Permissions;

use crate::support::raw::{Answer, Request};
use crate::support::{Client, Connection, Credential, Tenant, TestApp, Upload, samples};

const CONTENT: &[u8] = b"the secret of account A, in plain words";

/// What a request may be about.
#[derive(Clone, Debug)]
struct Object {
    state: State,
    id: String,
    /// Path and query of a link that was issued for it, or, where there is none, of one that looks like it.
    link: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Live,
    Unknown,
    Foreign,
    Deleted,
    Expired,
}

/// Who asks, and what this caller may expect.
struct Caller {
    name: &'static str,
    credential: Credential,
    expects: Expects,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expects {
    /// 401 whatever it asks for.
    Nothing,
    /// 403 whatever it asks for.
    NoPermission,
    /// What is live in account A.
    OwnMedia,
    /// What is live in account B.
    OtherMedia,
}

impl Expects {
    fn opens(self, state: State) -> bool {
        matches!((self, state), (Self::OwnMedia, State::Live) | (Self::OtherMedia, State::Foreign))
    }
}

/// One path for each shape of every target: a new target does not compile without one.
fn paths(target: &Target, object: &Object) -> Vec<String> {
    let query = object.link.split_once('?').expect("a query").1;
    match target {
        // See `uploads_go_to_a_number_of_the_callers_own_only`, and `messages`.
        Target::Uploads { .. } | Target::Messages { .. } => Vec::new(),
        Target::Media { .. } => vec![format!("/v23.0/{}", object.id), format!("/{}", object.id)],
        Target::Attachment { query_in_path: None } => {
            vec![object.link.clone(), format!("/v23.0{}", object.link)]
        }
        Target::Attachment { query_in_path: Some(_) } => {
            let url = format!("https://lookaside.fbsbx.com{}", object.link);
            let encoded = percent_encoding::utf8_percent_encode(&url, percent_encoding::NON_ALPHANUMERIC);
            vec![format!("/v23.0/{encoded}"), format!("/{encoded}")]
        }
        Target::AttachmentUnslashed => vec![format!("/whatsapp_business/attachments?{query}")],
        Target::Unknown => vec![format!("/v23.0/{}/thumbnail", object.id), format!("/a/b/{}", object.id)],
    }
}

fn targets() -> Vec<Target> {
    let all = vec![
        Target::Uploads { phone_number_id: None },
        Target::Uploads { phone_number_id: Some("1".to_owned()) },
        Target::Messages { phone_number_id: None },
        Target::Media { id: String::new() },
        Target::Attachment { query_in_path: None },
        Target::Attachment { query_in_path: Some(String::new()) },
        Target::AttachmentUnslashed,
        Target::Unknown,
    ];
    for target in &all {
        // Whoever adds a target is led here.
        match target {
            Target::Uploads { .. }
            | Target::Messages { .. }
            | Target::Media { .. }
            | Target::Attachment { .. }
            | Target::AttachmentUnslashed
            | Target::Unknown => {}
        }
    }
    all
}

const METHODS: [&str; 8] = ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH", "OPTIONS", "TRACE"];

struct World {
    app: TestApp,
    a: Tenant,
    callers: Vec<Caller>,
    objects: Vec<Object>,
}

impl World {
    async fn new() -> Self {
        let app = TestApp::with(&[("throttle.binds", "")]).await;
        let (a, b) = (app.first.clone(), app.tenant("B").await);
        let sibling = app.number_in(a.account).await;
        let callers = callers(&app, &a, &b, &sibling).await;
        let objects = objects(&app, &a, &b).await;
        Self { app, a, callers, objects }
    }
}

async fn callers(app: &TestApp, a: &Tenant, b: &Tenant, sibling: &Tenant) -> Vec<Caller> {
    use Credential::{Key, None as Nobody, Token};
    use Expects::{NoPermission, Nothing, OtherMedia, OwnMedia};
    let revoked_token = app.token(a.account, &[], Permissions::MEDIA, None).await;
    let revoked_key = app.key(a.number, None).await;
    app.revoke(&revoked_token).await;
    app.revoke(&revoked_key).await;
    let expired_token = app.token(a.account, &[], Permissions::MEDIA, Some(app.now())).await;
    let expired_key = app.key(a.number, Some(app.now())).await;
    let powerless = app.token(a.account, &[], Permissions::MANAGEMENT, None).await;
    let powerless_key = app.powerless_key().await;
    let of = |name, credential, expects| Caller { name, credential, expects };
    vec![
        of("nobody", Nobody, Nothing),
        of("unknown token", Token("EAAB".to_owned()), Nothing),
        of("unknown key", Key("EAAB".to_owned()), Nothing),
        of("revoked token", Token(revoked_token), Nothing),
        of("revoked key", Key(revoked_key), Nothing),
        of("expired token", Token(expired_token), Nothing),
        of("expired key", Key(expired_key), Nothing),
        of("token as key", Key(a.token.clone()), Nothing),
        of("key as token", Token(a.key.clone()), Nothing),
        of("token without permission", Token(powerless), NoPermission),
        of("key without permission", Key(powerless_key), NoPermission),
        of("token", Token(a.token.clone()), OwnMedia),
        of("key", Key(a.key.clone()), OwnMedia),
        of("token of another number", Token(sibling.token.clone()), OwnMedia),
        of("key of another number", Key(sibling.key.clone()), OwnMedia),
        of("token of another account", Token(b.token.clone()), OtherMedia),
        of("key of another account", Key(b.key.clone()), OtherMedia),
    ]
}

/// One object in each state, seen from account A.
async fn objects(app: &TestApp, a: &Tenant, b: &Tenant) -> Vec<Object> {
    let (of_a, of_b) = (app.graph_of(a), app.graph_of(b));
    let expired = of_a.keep(&Upload::text(CONTENT).field("ttl_minutes", "60")).await;
    app.turn(3_599);
    let expired_link = of_a.link(&expired).await;
    app.turn(1);
    let (live, deleted) = (of_a.keep(&Upload::text(CONTENT)).await, of_a.keep(&Upload::text(CONTENT)).await);
    let foreign = of_b.keep(&Upload::text(&b"of account B"[..])).await;
    let (live_link, deleted_link) = (of_a.link(&live).await, of_a.link(&deleted).await);
    let foreign_link = of_b.link(&foreign).await;
    assert_eq!(of_a.delete(&deleted).await.status(), 200);
    let unknown = "1761991787669262".to_owned();
    let unknown_link = live_link.replace(&live, &unknown);
    vec![
        Object { state: State::Live, id: live, link: live_link },
        Object { state: State::Unknown, id: unknown, link: unknown_link },
        Object { state: State::Foreign, id: foreign, link: foreign_link },
        Object { state: State::Deleted, id: deleted, link: deleted_link },
        Object { state: State::Expired, id: expired, link: expired_link },
    ]
}

/// The answer without what may differ between objects: their ids, as sent and as escaped, and links.
fn without_ids(answer: &Answer, object: &Object) -> String {
    let encoded =
        percent_encoding::utf8_percent_encode(&object.link, percent_encoding::NON_ALPHANUMERIC).to_string();
    let query = object.link.split_once('?').expect("a query").1;
    let shown = answer.shown().replace(&encoded, "{link}").replace(query, "{query}");
    shown.replace(&object.id, "{id}")
}

async fn ask(connection: &mut Connection, app: &TestApp, request: &Request) -> Answer {
    let answer = connection.ask(request).await;
    if answer.closes() {
        *connection = Connection::open(app.address()).await;
    }
    answer
}

#[tokio::test]
async fn no_caller_learns_more_than_it_may() {
    let world = World::new().await;
    let app = &world.app;
    let mut connection = Connection::open(app.address()).await;
    let mut asked = 0;
    for target in targets() {
        for method in METHODS {
            let allowed = target.action(&Method::from_bytes(method.as_bytes()).unwrap()).is_some();
            // What succeeds in deleting would change the world: see `a_delete_reaches_only_its_own`.
            if allowed && method == "DELETE" {
                continue;
            }
            for caller in &world.callers {
                for shape in 0..paths(&target, &world.objects[0]).len() {
                    let mut answers = Vec::new();
                    for object in &world.objects {
                        let path = &paths(&target, object)[shape];
                        let request = caller.credential.sign(Request::new(method, path));
                        answers.push((object, ask(&mut connection, app, &request).await));
                        asked += 1;
                    }
                    let place = format!("{method} {target:?} {shape} by {}", caller.name);
                    judge(&place, &target, allowed, caller.expects, &answers);
                }
            }
        }
    }
    assert!(asked > 3_000, "{asked}");
    world.app.finish().await;
}

fn judge(place: &str, target: &Target, allowed: bool, expects: Expects, answers: &[(&Object, Answer)]) {
    let mut closed_doors: Vec<(State, String)> = Vec::new();
    for (object, answer) in answers {
        let opens = expects.opens(object.state);
        let status = match target {
            Target::Unknown => 404,
            _ if !allowed => 405,
            Target::AttachmentUnslashed => 308,
            _ if expects == Expects::Nothing => 401,
            _ if expects == Expects::NoPermission => 403,
            _ if opens => 200,
            Target::Attachment { .. } => 401,
            Target::Media { .. } => 400,
            Target::Uploads { .. } | Target::Messages { .. } => unreachable!("asked elsewhere"),
        };
        assert_eq!(answer.status(), status, "{place}, {:?}: {}", object.state, answer.shown());
        if expects != Expects::OwnMedia {
            assert_tells_nothing(place, answer);
        }
        if status != 200 {
            closed_doors.push((object.state, without_ids(answer, object)));
        }
    }
    for (state, shown) in &closed_doors[1..] {
        assert_eq!(shown, &closed_doors[0].1, "{place}: {state:?} and {:?} differ", closed_doors[0].0);
    }
}

/// Nothing of account A's content: not its bytes, not its hash, not its length as a range tells it.
fn assert_tells_nothing(place: &str, answer: &Answer) {
    let shown = answer.shown();
    let sha256 = samples::sha256(CONTENT);
    for secret in [String::from_utf8(CONTENT.to_vec()).unwrap(), samples::hex(&sha256), "note.txt".to_owned()]
    {
        let from_b = answer.status() == 200 && secret == "note.txt";
        assert!(from_b || !shown.contains(&secret), "{place}: {shown}");
    }
    assert!(!shown.contains(&format!("/{}", CONTENT.len())), "{place}: {shown}");
}

#[tokio::test]
async fn a_delete_reaches_only_its_own() {
    let world = World::new().await;
    let app = &world.app;
    let live =
        |client: Client, object: Object| async move { client.retrieve(&object.id).await.status() == 200 };
    for caller in &world.callers {
        let mut closed_doors = Vec::new();
        for object in &world.objects {
            if caller.expects.opens(object.state) {
                continue;
            }
            let base = app.graph_of(&world.a);
            let asking = Client { credential: caller.credential.clone(), ..base.clone() };
            let answer = asking.delete(&object.id).await;
            let status = match caller.expects {
                Expects::Nothing => 401,
                Expects::NoPermission => 403,
                Expects::OwnMedia | Expects::OtherMedia => 400,
            };
            assert_eq!(answer.status(), status, "{} {:?}: {}", caller.name, object.state, answer.shown());
            assert_tells_nothing(caller.name, &answer);
            closed_doors.push(without_ids(&answer, object));
        }
        assert!(closed_doors.windows(2).all(|two| two[0] == two[1]), "{}: {closed_doors:#?}", caller.name);
        assert!(live(app.graph_of(&world.a), world.objects[0].clone()).await, "{}", caller.name);
    }
    world.app.finish().await;
}

#[tokio::test]
async fn uploads_go_to_a_number_of_the_callers_own_only() {
    let world = World::new().await;
    let app = &world.app;
    let before = app.app().store.catalog().totals().unwrap().media;
    let own = format!("/v23.0/{}/media", world.a.number);
    let mut kept = 0;
    for caller in &world.callers {
        for path in [own.as_str(), "/media", "/v23.0/123456789012345/media"] {
            let client = Client {
                credential: caller.credential.clone(),
                upload_path: path.to_owned(),
                ..app.graph_of(&world.a)
            };
            let answer = client.upload(&Upload::text(CONTENT)).await;
            let is_key = matches!(caller.credential, Credential::Key(_));
            let own_number = path == own && ["token", "key"].contains(&caller.name);
            let status = match caller.expects {
                Expects::Nothing => 401,
                Expects::NoPermission if path == own || (path == "/media" && is_key) => 403,
                Expects::NoPermission => 400,
                _ if own_number || (path == "/media" && is_key) => 200,
                _ => 400,
            };
            assert_eq!(answer.status(), status, "{} to {path}: {}", caller.name, answer.shown());
            kept += u64::from(status == 200);
        }
    }
    assert_eq!(app.app().store.catalog().totals().unwrap().media, before + kept);
    world.app.finish().await;
}

#[tokio::test]
async fn a_foreign_number_is_answered_like_an_unknown_one() {
    let app = TestApp::start().await;
    let other = app.tenant("B").await;
    let mut shown = Vec::new();
    for number in [other.number.to_string(), "123456789012345".to_owned()] {
        let client = Client { upload_path: format!("/v23.0/{number}/media"), ..app.graph() };
        shown.push(client.upload(&Upload::png()).await.shown().replace(&number, "{number}"));
    }
    assert_eq!(shown[0], shown[1]);
    app.finish().await;
}

/// The same bytes in two accounts share nothing, so that nobody can find out whether another account has a file.
#[tokio::test]
async fn an_upload_tells_nothing_of_other_accounts() {
    let app = TestApp::start().await;
    let other = app.tenant("B").await;
    let first = app.graph().upload(&Upload::text(CONTENT)).await;
    let second = app.graph_of(&other).upload(&Upload::text(CONTENT)).await;
    let id = |answer: &Answer| crate::support::client::id_of(answer);
    let (one, two) = (id(&first), id(&second));
    assert_eq!(first.shown().replace(&one, ""), second.shown().replace(&two, ""));
    assert_eq!(app.graph().delete(&one).await.status(), 200);
    assert_eq!(app.graph_of(&other).fetch(&two).await, CONTENT);
    app.finish().await;
}
