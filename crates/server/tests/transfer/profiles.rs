//! Profiles: a file of one's own, and secrets that are nowhere but there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::house::{Dialect, House, Ran, wamedia};

const NUMBER: &str = "1025723653965602";
const CANARY: &str = "wat_canary-in-the-mine";

fn run(mut command: Command) -> Ran {
    let ran = Ran::from(command.output().unwrap());
    assert!(!ran.stdout.contains(CANARY) && !ran.stderr.contains(CANARY), "{} {}", ran.stdout, ran.stderr);
    ran
}

fn profile(dir: &Path, arguments: &[&str]) -> Ran {
    run(wamedia(dir, &[&["profile"], arguments].concat()))
}

fn add_canary(dir: &Path, name: &str) -> Ran {
    fs::write(dir.join("canary"), CANARY).unwrap();
    let arguments =
        ["profile", "add", name, "--dialect", "graph", "--phone-number-id", NUMBER, "--secret", "-"];
    let mut command = wamedia(dir, &arguments);
    command.stdin(Stdio::from(fs::File::open(dir.join("canary")).unwrap()));
    run(command)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn secrets_come_from_everywhere_but_a_flag_and_are_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    add_canary(at, "shop").exits(0);
    let graph = ["add", "flag", "--dialect", "graph", "--phone-number-id", NUMBER];
    let refused = profile(at, &[&graph[..], &["--secret", CANARY]].concat()).exits(2);
    assert!(refused.stderr.contains("--secret @FILE"), "{}", refused.stderr);
    profile(at, &["add", "lab", "--dialect", "d360", "--secret", "@canary"]).exits(0);
    profile(at, &["add", "ci", "--dialect", "d360", "--secret-env", "CI_KEY"]).exits(0);
    profile(at, &["add", "none", "--dialect", "d360", "--secret", "@nowhere"]).exits(1);
    let nobody = profile(at, &["add", "none", "--dialect", "d360"]).exits(2);
    assert!(nobody.stderr.contains("--secret-env"), "nobody can be asked: {}", nobody.stderr);

    let listed = profile(at, &["list"]).exits(0).stdout;
    let sources = ["stored", "variable CI_KEY", &format!("file {}", at.join("canary").display())];
    assert!(sources.iter().all(|source| listed.contains(source)), "{listed}");
    let file = at.join(".config/wamedia/profiles.toml");
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    let written = fs::read_to_string(&file).unwrap();
    assert_eq!(written.matches(CANARY).count(), 1, "references are kept as references");
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing temporary is left");

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let warned = profile(at, &["list"]).exits(0);
    assert!(warned.stderr.contains("open to others (mode 644)"), "{}", warned.stderr);
    profile(at, &["default", "lab"]).exits(0);
    assert_eq!(mode(&file), 0o600, "each change closes it");
}

#[test]
fn the_first_is_the_default_until_another_is_chosen_or_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    assert!(profile(at, &["list"]).exits(0).stdout.contains("wamedia profile add"));
    assert_eq!(profile(at, &["list", "--json"]).exits(0).stdout, "[]\n");
    add_canary(at, "one").exits(0);
    add_canary(at, "two").exits(0);
    add_canary(at, "two").exits(2);
    let shown = |ran: Ran| serde_json::from_str::<Value>(&ran.exits(0).stdout).unwrap();
    let expected = json!({
        "name": "one", "default": true, "dialect": "graph", "base": "https://graph.facebook.com",
        "version": "v23.0", "phone_number_id": NUMBER, "secret_from": "stored", "ca_file": null,
    });
    assert_eq!(shown(profile(at, &["show", "--json"])), expected);
    let chosen = shown(profile(at, &["default", "two", "--json"]));
    assert_eq!((&chosen[0]["default"], &chosen[1]["default"]), (&json!(false), &json!(true)));
    profile(at, &["remove", "two"]).exits(0);
    assert_eq!(shown(profile(at, &["show", "--json"]))["name"], "one", "the only one is the default");
    let gone = profile(at, &["remove", "two"]).exits(2);
    assert!(gone.stderr.contains("there is: one"), "{}", gone.stderr);
}

#[test]
fn mistakes_are_named_before_anybody_types_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let graph = ["add", "x", "--dialect", "graph"];
    for (more, said) in [
        (&["--secret-env", "X"][..], "--phone-number-id"),
        (&["--phone-number-id", "12a"], "12a"),
        (&["--phone-number-id", NUMBER, "--base", "graph.facebook.com"], "https://"),
        (&["--phone-number-id", NUMBER, "--version", "23"], "v23.0"),
        (&["--phone-number-id", NUMBER, "--secret-env", "X", "--secret", "-"], "cannot be used with"),
    ] {
        let ran = profile(dir.path(), &[&graph[..], more].concat()).exits(2);
        assert!(ran.stderr.contains(said), "{more:?}: {}", ran.stderr);
    }
    profile(dir.path(), &["add", "../x", "--dialect", "d360", "--secret-env", "X"]).exits(2);
    assert!(!dir.path().join(".config").exists(), "nothing was written");
}

#[test]
fn the_file_is_where_variables_say_and_stays_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    fs::create_dir(at.join("dotfiles")).unwrap();
    let (kept, linked) = (at.join("dotfiles/mine.toml"), at.join("linked.toml"));
    fs::write(&kept, "").unwrap();
    std::os::unix::fs::symlink(&kept, &linked).unwrap();
    let mut command = wamedia(at, &["profile", "add", "a", "--dialect", "d360", "--secret-env", "X"]);
    run({
        command.env("WAMEDIA_PROFILES", &linked);
        command
    })
    .exits(0);
    assert!(fs::symlink_metadata(&linked).unwrap().is_symlink());
    assert!(fs::read_to_string(&kept).unwrap().contains("[profile.a]"));
    let mut command = wamedia(at, &["profile", "add", "b", "--dialect", "d360", "--secret-env", "X"]);
    command.env("XDG_CONFIG_HOME", at.join("xdg"));
    run(command).exits(0);
    assert!(at.join("xdg/wamedia/profiles.toml").exists());
}

#[test]
fn many_at_once_lose_none() {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..12).map(|number| format!("p{number:02}")).collect();
    let add = |name: &String| {
        let arguments = ["profile", "add", name, "--dialect", "d360", "--secret-env", "X"];
        wamedia(dir.path(), &arguments).stdout(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = names.iter().map(add).collect();
    assert!(children.into_iter().all(|mut child| child.wait().unwrap().success()));
    let listed: Value = serde_json::from_str(&profile(dir.path(), &["list", "--json"]).stdout).unwrap();
    let listed: Vec<&str> =
        listed.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(listed, names);
}

#[test]
fn damaged_files_are_explained_without_their_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profiles.toml");
    for text in [
        format!("[profile.a]\nsecret = \"{CANARY}"),
        format!("[profile.a]\ndialect = \"graph\"\nbase = \"https://x\"\nsecret = [\"{CANARY}\"]"),
        format!("[profile]\na = \"{CANARY}\""),
    ] {
        fs::write(&file, text).unwrap();
        let mut command = wamedia(dir.path(), &["profile", "list"]);
        command.env("WAMEDIA_PROFILES", &file);
        let ran = run(command).exits(1);
        assert!(ran.stderr.contains("profiles.toml, line "), "{}", ran.stderr);
    }
}

#[test]
fn variables_of_the_client_do_not_trouble_the_server_or_its_commands() {
    let house = House::start(Dialect::Graph);
    house.run(&["config", "check"]).exits(0);
    assert!(house.run(&["url", "1"]).exits(2).stderr.contains("15 to 17 digits"));
    let mut both = house.command(&["url", "1761991787669262"]);
    both.env("WAMEDIA_PROFILE", "shop");
    assert!(house.finish(both).exits(2).stderr.contains("both set"));
}

#[test]
fn a_service_on_this_machine_gives_its_profile_a_token_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let none = profile(at, &["add", "local", "--local"]).exits(1);
    assert!(none.stderr.contains("wamedia serve"), "{}", none.stderr);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--ready-json"];
    let mut server = wamedia(at, &arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(server.stdout.as_mut().unwrap()), &mut line)
        .unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let base = ready["public"].as_str().unwrap();
    for (name, dialect) in [("graph", "graph"), ("d360", "d360")] {
        profile(at, &["add", name, "--local", "--dialect", dialect, "--base", base]).exits(0);
        let examined = run(wamedia(at, &["doctor", "--profile", name]));
        assert_eq!(examined.code, Some(0), "{}{}", examined.stdout, examined.stderr);
    }
    let tokens = run(wamedia(at, &["token", "list"])).exits(0).stdout;
    assert!(tokens.contains("profile graph"), "{tokens}");
    server.kill().unwrap();
    server.wait().unwrap();
}
