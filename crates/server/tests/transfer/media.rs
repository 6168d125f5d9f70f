//! Files go in and come out again, byte for byte, in both dialects.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::house::{BOTH, Dialect, House, sample};

#[test]
fn a_file_goes_in_is_resolved_comes_out_and_is_gone() {
    for dialect in BOTH {
        let house = House::start(dialect);
        let photo = sample("image/rgb.jpg");
        let uploaded = house.run(&["upload", photo.to_str().unwrap()]).exits(0);
        let id = uploaded.ids()[0].clone();
        assert_eq!(uploaded.stdout, format!("{id}\t{}\n", photo.display()), "{dialect:?}");
        assert_eq!(uploaded.stderr, "", "one file needs no summary");

        let resolved = house.run(&["url", &id]).exits(0).stdout;
        let (_, url) = resolved.trim_end().split_once('\t').unwrap();
        assert!(url.starts_with(house.base()) && url.contains(&id), "it leads to where the media is: {url}");
        let object = house.run(&["url", "--json", &id]).exits(0).objects().remove(0);
        let bytes = fs::read(&photo).unwrap();
        assert_eq!((&object["bytes"], &object["type"]), (&json!(bytes.len()), &json!("image/jpeg")));

        let downloaded = house.run(&["download", &id]).exits(0).stdout;
        assert_eq!(downloaded, format!("{id}\t{id}.jpg\n"));
        assert_eq!(fs::read(house.dir().join(format!("{id}.jpg"))).unwrap(), bytes);

        assert_eq!(house.run(&["delete", &id]).exits(0).stdout, format!("{id}\tdeleted\n"));
        for command in ["url", "download", "delete"] {
            let gone = house.run(&[command, &id]).exits(1);
            assert!(gone.stderr.starts_with(&format!("wamedia: {id}: ")), "{}", gone.stderr);
            assert_eq!(gone.stdout, "");
        }
    }
}

#[test]
fn standard_input_goes_in_and_standard_output_gets_bytes_alone() {
    for dialect in BOTH {
        let house = House::start(dialect);
        let png = fs::read(sample("image/rgb.png")).unwrap();
        let ran = house.run_with(&png, &["upload", "-", "--name", "chart.png", "--json"]).exits(0);
        let object = ran.objects().remove(0);
        assert_eq!((&object["file"], &object["type"]), (&json!("-"), &json!("image/png")));
        let id = object["id"].as_str().unwrap().to_owned();
        let output = house.command(&["download", &id, "-o", "-"]).output().unwrap();
        assert_eq!((output.status.code(), output.stdout == png), (Some(0), true));
        assert_eq!(house.names("."), Vec::<String>::new(), "and nothing else is written");
    }
    let house = House::start(Dialect::D360);
    let declared = house.run_with(b"a,b\n", &["upload", "-", "--type", "text/plain", "--json"]).exits(0);
    assert_eq!(declared.objects()[0]["type"], "text/plain");
    for wrong in [&["upload", "-", "-"][..], &["upload", "-", "x"], &["upload", "-", "--resume", "r"]] {
        house.run(wrong).exits(2);
    }
}

#[test]
fn json_has_all_keys_whatever_became_of_it() {
    let house = House::start(Dialect::Graph);
    let refused = sample("image/cmyk.jpg");
    let files = [sample("image/rgb.jpg"), refused.clone()];
    let files = files.each_ref().map(|path| path.to_str().unwrap());
    let ran = house.run(&[&["upload", "--json"], &files[..]].concat()).exits(1);
    let keys = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let objects = ran.objects();
    let expected = ["attempts", "bytes", "error", "file", "id", "sha256", "status", "type", "warnings"];
    assert!(objects.iter().all(|object| keys(object) == expected), "{objects:?}");
    let failed = objects.iter().find(|object| object["status"] == "failed").unwrap();
    assert_eq!(failed["file"], refused.to_str().unwrap());
    assert_eq!(
        (&failed["error"]["kind"], &failed["error"]["rule"]),
        (&"rejected".into(), &"colour-model".into())
    );
    assert!(failed["error"]["remedy"].is_string() && failed["id"].is_null(), "{failed}");
    let fine = objects.iter().find(|object| object["status"] == "uploaded").unwrap();
    let id = fine["id"].as_str().unwrap();
    assert!(fine["error"].is_null() && fine["sha256"].as_str().unwrap().len() == 64);
    for (command, status) in [("url", "resolved"), ("download", "downloaded"), ("delete", "deleted")] {
        let objects = house.run(&[command, "--json", id, "1761991787669262"]).exits(1).objects();
        let of = |wanted: &str| objects.iter().find(|object| object["id"] == wanted).unwrap();
        let (done, missing) = (of(id), of("1761991787669262"));
        assert_eq!(keys(done), keys(missing), "{command}");
        assert_eq!((&done["status"], &missing["error"]["kind"]), (&status.into(), &"not-found".into()));
    }
}

#[test]
fn files_come_where_they_are_wanted_and_replace_nothing_by_accident() {
    let house = House::start(Dialect::Graph);
    let (one, two) = (house.upload("one.txt", b"one\n"), house.upload("two.txt", b"two\n"));
    let read = |path: &str| fs::read_to_string(house.dir().join(path)).unwrap();
    house.run(&["download", &one, "-o", "named"]).exits(0);
    assert_eq!(read("named"), "one\n");
    let again = house.run(&["download", &one, "-o", "named", "--json"]).exits(0);
    assert_eq!(again.objects()[0]["status"], "already", "the same bytes are not fetched again");
    assert_eq!(house.journal("download").len(), 1);

    let refused = house.run(&["download", &two, "-o", "named"]).exits(1);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(read("named"), "one\n");
    house.run(&["download", &two, "-o", "named", "--force"]).exits(0);
    assert_eq!(read("named"), "two\n");

    house.run(&["download", &one, &two, "-o", "named"]).exits(2);
    house.run(&["download", &one, &two, "-o", "missing"]).exits(2);
    house.run(&["download", &one, &two, "-o", "-"]).exits(2);
    let ids = format!("{one}\tone.txt\n\n  {two}  \n{one}\n");
    let ran = house.run_with(ids.as_bytes(), &["download", "-", "-o", "made/"]).exits(0);
    assert_eq!(ran.ids().len(), 2, "each once: {}", ran.stdout);
    assert!(ran.stdout.contains(&format!("{one}\tmade/{one}.txt\n")), "{}", ran.stdout);
    assert_eq!(read(&format!("made/{two}.txt")), "two\n");
    assert_eq!(house.names("made").len(), 2, "nothing temporary is left");
}

#[test]
fn no_sender_chooses_a_name_on_this_machine() {
    let house = House::start(Dialect::Graph);
    fs::create_dir(house.dir().join("inbox")).unwrap();
    let ran = house.run_with(b"evil\n", &["upload", "-", "--name", "../../evil\n.txt"]).exits(0);
    let id = ran.ids()[0].clone();
    house.run(&["download", &id, "-o", "inbox"]).exits(0);
    assert_eq!(house.names("inbox"), [format!("{id}.txt")]);
    std::os::unix::fs::symlink("/dev/null", house.dir().join("inbox/link")).unwrap();
    house.run(&["download", &id, "-o", "inbox/link"]).exits(1);
    assert!(fs::symlink_metadata(house.dir().join("inbox/link")).unwrap().is_symlink());
}

#[test]
fn what_upload_prints_is_what_the_others_read() {
    let house = House::start(Dialect::D360);
    let names = house.texts(3, 100);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let printed = house.run(&[&["upload"], &names[..]].concat()).exits(0);
    assert!(printed.stderr.contains("3 files: 3 uploaded"), "{}", printed.stderr);
    let resolved = house.run_with(printed.stdout.as_bytes(), &["url", "-", "-q"]).exits(0);
    assert_eq!((resolved.ids().len(), resolved.stderr.as_str()), (3, ""));
    house.run_with(resolved.stdout.as_bytes(), &["delete", "-"]).exits(0);
    assert_eq!(house.media(), 0);
}

#[test]
fn a_life_of_its_own_ends_when_it_was_asked_to() {
    for dialect in BOTH {
        let house = House::start(dialect);
        house.texts(1, 10);
        let id = house.run(&["upload", "text-000.txt", "--ttl", "2h"]).exits(0).ids()[0].clone();
        house.control("POST", "clock/advance", json!({"by": "119m"}));
        house.run(&["url", &id]).exits(0);
        house.control("POST", "clock/advance", json!({"by": "2m"}));
        house.run(&["url", &id]).exits(1);
        house.run(&["upload", "text-000.txt", "--ttl", "5m"]).exits(2);
    }
}

#[test]
fn a_large_file_goes_both_ways() {
    let house = House::start(Dialect::Graph);
    let content = "0123456789abcde\n".repeat(20 << 16);
    let id = house.upload("large.txt", content.as_bytes());
    house.run(&["download", &id, "-o", "back"]).exits(0);
    assert!(fs::read(house.dir().join("back")).unwrap() == content.as_bytes());
}

#[test]
fn pipes_are_files_too_and_each_file_goes_once() {
    let house = House::start(Dialect::Graph);
    let pipe = house.dir().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let command = house.command(&["upload", "--json", "pipe"]);
    let feeding = std::thread::spawn(move || fs::write(pipe, "through a pipe\n").unwrap());
    let ran = house.finish(command).exits(0);
    feeding.join().unwrap();
    let object = ran.objects().remove(0);
    assert_eq!((&object["file"], &object["bytes"]), (&json!("pipe"), &json!(15)));
    assert!(house.run(&["upload", "--resume", "r", "pipe"]).exits(2).stderr.contains("taken up again"));

    house.texts(2, 10);
    fs::remove_file(house.dir().join("pipe")).unwrap();
    let twice = house.run(&["upload", "-r", "text-000.txt", ".", "./text-001.txt"]).exits(0);
    assert_eq!(twice.ids().len(), 2, "{}", twice.stdout);
    let too_long = house.run_with(&vec![b'x'; (100 << 20) + 1], &["upload", "-", "--json"]).exits(1);
    assert_eq!(too_long.objects()[0]["error"]["kind"], "too-long");
}

#[test]
fn a_link_leads_to_the_service_below_its_path_prefix_whoever_is_named_in_it() {
    for host in ["self", "lookaside"] {
        let (prefix, host) = ("public.path_prefix=/wa", format!("d360.media_url_host={host}"));
        let house =
            House::start_in(tempfile::tempdir().unwrap(), Dialect::D360, &["--set", prefix, "--set", &host]);
        let base = format!("{}/wa", house.base().trim_end_matches("/wa"));
        let photo = sample("image/rgb.jpg");
        let uploaded = house.run(&["upload", "--base", &base, photo.to_str().unwrap()]).exits(0);
        let resolved = house.run(&["url", "--base", &base, &uploaded.ids()[0]]).exits(0).stdout;
        let (_, url) = resolved.trim_end().split_once('\t').unwrap();
        assert!(url.starts_with(&format!("{base}/whatsapp_business/attachments/?")), "{url}");
    }
}
