//! A link works for 300 seconds, for its own media, with its own account's credential, and no mutation of it works.

use std::collections::BTreeSet;

use wamedia_store::KeyRing;
use wamedia_wire::links::{decode_hash, encode_hash};

use crate::support::{Client, Connection, Credential, TestApp, Upload, samples};

#[tokio::test]
async fn a_link_works_for_300_seconds_and_not_one_more() {
    let app = TestApp::start().await;
    for client in app.both() {
        let id = client.keep(&Upload::png()).await;
        let link = client.link(&id).await;
        assert_eq!(client.download(&link).await.status(), 200);
        app.turn_ms(299_999);
        assert_eq!(client.download(&link).await.status(), 200);
        app.turn_ms(1);
        assert_eq!(client.download(&link).await.status(), 401);
        assert_eq!(client.download(&client.link(&id).await).await.status(), 200);
    }
    app.finish().await;
}

#[tokio::test]
async fn how_long_a_link_works_is_a_setting() {
    let app = TestApp::with(&[("links.valid_for", "2s")]).await;
    let graph = app.graph();
    let link = graph.link(&graph.keep(&Upload::png()).await).await;
    app.turn(1);
    assert_eq!(graph.download(&link).await.status(), 200);
    app.turn(1);
    assert_eq!(graph.download(&link).await.status(), 401);
    app.finish().await;
}

#[tokio::test]
async fn a_link_alone_opens_nothing() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let link = graph.link(&graph.keep(&Upload::png()).await).await;
    let nobody = Client { credential: Credential::None, ..graph.clone() };
    let answer = nobody.download(&link).await;
    assert_eq!(answer.status(), 401, "{}", answer.shown());
    app.finish().await;
}

#[tokio::test]
async fn a_link_opens_for_its_own_account_only() {
    let app = TestApp::start().await;
    let other = app.tenant("other").await;
    let graph = app.graph();
    let mine = graph.link(&graph.keep(&Upload::png()).await).await;
    for stranger in [app.graph_of(&other), app.d360_of(&other)] {
        let answer = stranger.download(&mine).await;
        assert_eq!(answer.status(), 401);
        assert!(!answer.shown().contains("PNG"));
    }
    app.finish().await;
}

/// Where dead links are told from forged ones, another account's are forged, alive or dead.
#[tokio::test]
async fn the_link_of_another_account_is_a_forged_one() {
    let app = TestApp::with(&[("links.expired_link_status", "404")]).await;
    let stranger = app.graph_of(&app.tenant("other").await);
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let link = graph.link(&id).await;
    let of_nothing = link.replace("&ext=1", "&ext=2");
    let mut answers = vec![stranger.download(&of_nothing).await, stranger.download(&link).await];
    assert_eq!(graph.delete(&id).await.status(), 200);
    answers.push(stranger.download(&link).await);
    app.turn(300);
    answers.push(stranger.download(&link).await);
    for answer in &answers {
        assert_eq!((answer.status(), answer.shown()), (401, answers[0].shown()));
    }
    assert_eq!(graph.download(&link).await.status(), 404);
    app.finish().await;
}

#[tokio::test]
async fn the_parameters_of_a_link_may_come_back_in_any_order() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let link = graph.link(&graph.keep(&Upload::png()).await).await;
    let (path, query) = link.split_once('?').unwrap();
    let parameters: Vec<&str> = query.split('&').collect();
    let mut connection = Connection::open(app.address()).await;
    for order in orders(&parameters) {
        let turned = format!("{path}?{}", order.join("&"));
        let answer = connection.ask(&graph.request("GET", &turned)).await;
        assert_eq!(answer.body, samples::png(), "{turned}");
    }
    app.finish().await;
}

fn orders<'a>(items: &[&'a str]) -> Vec<Vec<&'a str>> {
    if items.len() <= 1 {
        return vec![items.to_vec()];
    }
    let mut all = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let rest: Vec<&str> = items.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, it)| *it).collect();
        all.extend(orders(&rest).into_iter().map(|order| [vec![*item], order].concat()));
    }
    all
}

#[tokio::test]
async fn a_rotation_breaks_no_link_and_a_forged_version_opens_none() {
    let app = TestApp::start().await;
    let graph = app.graph();
    let id = graph.keep(&Upload::png()).await;
    let old = graph.link(&id).await;
    assert_eq!(KeyRing::rotate(&app.dir()).unwrap(), 2);
    assert_eq!(graph.download(&old).await.body, samples::png());
    app.app().store.keys().reload().unwrap();
    let new = graph.link(&id).await;
    assert_eq!((version_of(&old), version_of(&new)), (1, 2));
    assert_eq!(graph.download(&new).await.body, samples::png());
    assert_eq!(graph.download(&old).await.body, samples::png());
    for (link, version) in [(&old, 2), (&new, 1), (&new, 0), (&new, 3), (&new, u16::MAX)] {
        let mut hash = decode_hash(link_part(link, "hash")).unwrap();
        hash[..2].copy_from_slice(&version.to_be_bytes());
        let forged = link.replace(link_part(link, "hash"), &encode_hash(&hash));
        assert_eq!(graph.download(&forged).await.status(), 401, "{forged}");
    }
    app.finish().await;
}

#[tokio::test]
async fn thousands_of_changed_links_open_nothing() {
    let app = TestApp::start().await;
    let other = app.tenant("other").await;
    let graph = app.graph();
    let link = graph.link(&graph.keep(&Upload::png()).await).await;
    let sibling = graph.link(&graph.keep(&Upload::jpeg()).await).await;
    let foreign = app.graph_of(&other).link(&app.graph_of(&other).keep(&Upload::png()).await).await;
    app.turn(1);
    let later = graph.link(link_part(&link, "mid")).await;

    let mut mutants = BTreeSet::new();
    change_characters(&link, &mut mutants);
    change_parameters(&link, &mut mutants);
    change_bits(&link, &mut mutants);
    for donor in [&sibling, &foreign, &later] {
        mix(&link, donor, &mut mutants);
    }
    mutants.remove(&link);
    mutants.remove(&sibling);
    mutants.remove(&later);
    assert!(mutants.len() >= 2_000, "{}", mutants.len());

    let mut connection = Connection::open(app.address()).await;
    let mut opened = Vec::new();
    for mutant in &mutants {
        let answer = connection.ask(&graph.request("GET", mutant)).await;
        assert!(
            (300..500).contains(&answer.status()) || answer.status() == 200,
            "{mutant}: {}",
            answer.shown()
        );
        if answer.status() == 200 || answer.body.windows(4).any(|four| four == b"\x89PNG") {
            opened.push(mutant.clone());
        }
        if answer.closes() || answer.status() == 400 {
            connection = Connection::open(app.address()).await;
        }
    }
    assert!(opened.is_empty(), "{} of {} open: {opened:#?}", opened.len(), mutants.len());
    assert_eq!(graph.download(&link).await.body, samples::png());
    app.finish().await;
}

fn version_of(link: &str) -> u16 {
    let hash = decode_hash(link_part(link, "hash")).unwrap();
    u16::from_be_bytes([hash[0], hash[1]])
}

fn link_part<'a>(link: &'a str, name: &str) -> &'a str {
    let query = link.split_once('?').unwrap().1;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("{name} in {link}"))
}

/// Each character removed, doubled, changed to its neighbours, another case, percent-encoded; something put between.
fn change_characters(link: &str, mutants: &mut BTreeSet<String>) {
    let start = link.find('?').unwrap();
    for at in start..link.len() {
        let (before, character, after) = (&link[..at], &link[at..=at], &link[at + 1..]);
        let byte = link.as_bytes()[at];
        let mut put = |text: String| {
            mutants.insert(format!("{before}{text}{after}"));
        };
        put(String::new());
        put(character.repeat(2));
        for other in [byte - 1, byte + 1, b'A', b'0', b'-', b'_', b'=', b'&', b'+', b'~', b'?'] {
            put(char::from(other).to_string());
        }
        put(swapped_case(character));
        put(format!("%{byte:02x}"));
        put(format!("%{byte:02X}"));
        put(format!("%25{byte:02X}"));
        for between in ["%00", "%20", "+", "/", ";", "#", "0", "%0A"] {
            mutants.insert(format!("{before}{character}{between}{after}"));
        }
        if !after.is_empty() {
            mutants.insert(format!("{before}{}{character}{}", &after[..1], &after[1..]));
            mutants.insert(format!("{before}{character}"));
        }
    }
    for illegal in ['<', '>', '`', '"', '\\', '^', '{', '|'] {
        mutants.insert(format!("{link}{illegal}"));
    }
}

fn swapped_case(text: &str) -> String {
    let swap = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars().map(swap).collect()
}

/// Parameters dropped, doubled, renamed, emptied, added.
fn change_parameters(link: &str, mutants: &mut BTreeSet<String>) {
    let (path, query) = link.split_once('?').unwrap();
    let parameters: Vec<&str> = query.split('&').collect();
    let mut put = |list: &[&str]| {
        mutants.insert(format!("{path}?{}", list.join("&")));
    };
    for (at, parameter) in parameters.iter().enumerate() {
        let (name, value) = parameter.split_once('=').unwrap();
        let replaced = |by: &str| {
            let mut list: Vec<String> = parameters.iter().map(|it| (*it).to_owned()).collect();
            by.clone_into(&mut list[at]);
            list
        };
        for by in [
            String::new(),
            name.to_owned(),
            format!("{name}="),
            format!("{name}=={value}"),
            format!("{name}={value}="),
            format!("{name}[]={value}"),
            format!("{} ={value}", name).replace(' ', "%20"),
            format!("{}={value}", name.to_uppercase()),
            format!("{name}={}", value.to_uppercase()),
            format!("{name}={}", value.to_lowercase()),
            format!("{name}=0{value}"),
            format!("{name}=%2B{value}"),
            format!("{name}={value}.0"),
            format!("{name}={value},{value}"),
            format!("{name}=\"{value}\""),
        ] {
            let list = replaced(&by);
            put(&list.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let without: Vec<&str> =
            parameters.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, p)| *p).collect();
        put(&without);
        // Twice: behind, in front, and with another value.
        put(&[&parameters[..], &[parameter]].concat());
        put(&[&[*parameter], &parameters[..]].concat());
        let other = format!("{name}=1");
        put(&[&parameters[..], &[other.as_str()]].concat());
        put(&[&[other.as_str()], &parameters[..]].concat());
    }
    for added in ["x=1", "x", "", "=", "source=webhook", "phone_number_id=1", "Hash=A", "mid%5B%5D=1"] {
        put(&[&parameters[..], &[added]].concat());
        put(&[&[added], &parameters[..]].concat());
    }
    mutants.insert(format!("{path}?{}", query.replace("&", "&amp;")));
    mutants.insert(format!("{path}?{}", query.replace("&", ";")));
    mutants.insert(format!("{path}?{}", query.replace("&", "%26")));
    mutants.insert(format!("{path}?{}", query.replace("getMedia", "webhook")));
    mutants.insert(format!("{path}??{query}"));
    mutants.insert(format!("{path}?&{query}"));
    mutants.insert(path.to_owned());
    for other in [
        "/whatsapp_business/attachments/x",
        "/Whatsapp_business/attachments/",
        "/whatsapp_business/attachments//",
    ] {
        mutants.insert(format!("{other}?{query}"));
    }
}

/// Every bit of the hash, and the life lengthened and shortened by all sorts of spans.
fn change_bits(link: &str, mutants: &mut BTreeSet<String>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let hash_at = link.find("&hash=").unwrap() + 6;
    for at in hash_at..link.len() {
        let value = ALPHABET.iter().position(|b| *b == link.as_bytes()[at]).unwrap();
        for bit in 0..6 {
            let changed = char::from(ALPHABET[value ^ (1 << bit)]);
            mutants.insert(format!("{}{changed}{}", &link[..at], &link[at + 1..]));
        }
    }
    let ext: i64 = link_part(link, "ext").parse().unwrap();
    for power in 0..40 {
        for by in [1_i64 << power, -(1_i64 << power)] {
            mutants.insert(link.replace(&format!("ext={ext}"), &format!("ext={}", ext + by)));
        }
    }
    let mid: i64 = link_part(link, "mid").parse().unwrap();
    for power in 0..50 {
        mutants.insert(link.replace(&format!("mid={mid}"), &format!("mid={}", mid ^ (1 << power))));
    }
}

/// Each parameter taken from another honest link.
fn mix(link: &str, donor: &str, mutants: &mut BTreeSet<String>) {
    let names = ["mid", "ext", "hash"];
    for taken in 1..(1_u32 << names.len()) - 1 {
        let mut mixed = link.to_owned();
        for (at, name) in names.iter().enumerate().filter(|(at, _)| taken & (1 << at) != 0) {
            let _ = at;
            let (own, other) = (link_part(link, name), link_part(donor, name));
            mixed = mixed.replace(&format!("{name}={own}"), &format!("{name}={other}"));
        }
        mutants.insert(mixed);
    }
    mutants.insert(donor.replace("getMedia", "webhook"));
}
