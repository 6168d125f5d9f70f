//! `wamedia check` as people and scripts meet it: the real binary over the committed samples and what is made of them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/samples").canonicalize().unwrap()
}

fn sample(path: &str) -> String {
    samples().join(path).to_str().unwrap().to_owned()
}

/// `wamedia check` in a folder where nothing else is, with nothing of the surrounding configuration.
fn check(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wamedia"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("WAMEDIA_")) {
        command.env_remove(name);
    }
    command.current_dir(dir).arg("check").args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    run_in(tempfile::tempdir().unwrap().path(), arguments)
}

fn run_in(dir: &Path, arguments: &[&str]) -> Output {
    let output = check(dir, arguments).output().unwrap();
    assert!(!dir.join("wamedia-data").exists(), "asking makes no data folder");
    output
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// The objects that `--json` printed.
fn lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The one object about one file.
fn json(arguments: &[&str]) -> Value {
    let output = run(&[&["--json"], arguments].concat());
    let [line] = &lines(&output)[..] else { panic!("{arguments:?}: {output:?}") };
    line.clone()
}

/// A folder of files of these names and contents.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

#[test]
fn exit_codes_tell_fine_refused_and_unreadable_apart() {
    let (fine, refused) = (sample("image/rgb.jpg"), sample("image/cmyk.jpg"));
    assert_eq!(code(&run(&[&fine])), 0);
    assert_eq!(code(&run(&[&fine, &refused])), 1);
    let all = run(&["nowhere.jpg", &refused, &fine]);
    assert_eq!(code(&all), 2, "2 wins over 1");
    assert!(stderr(&all).starts_with("wamedia: nowhere.jpg: No such file"), "{}", stderr(&all));
    assert!(stdout(&all).contains("rgb.jpg"), "the rest goes on");
    assert!(stdout(&all).ends_with("3 files: 1 fine, 1 refused, 1 unreadable\n"), "{}", stdout(&all));
    assert_eq!(code(&run(&[])), 2, "nothing to check");
    assert_eq!(code(&run(&["--type", "jpeg", &fine])), 2, "no type at all");
}

#[test]
fn people_read_what_is_so_and_what_to_do() {
    let dir = folder(&[("my gif.png", b"GIF89a\x01\0\x01\0\x80"), ("a.txt", "Grüße\n".as_bytes())]);
    let output = run_in(dir.path(), &["."]);
    assert_eq!(
        stdout(&output),
        "fine     ./a.txt  plain text, utf-8, 8 B
refused  ./my gif.png  GIF image as image/png, 11 B
         its bytes are image/gif (GIF image), not image/png [wrong-type]
         Declare the type the file really has, or convert the file.
         $ ffmpeg -i './my gif.png' -frames:v 1 -pix_fmt rgba -update 1 './my gif-whatsapp.png'
2 files: 1 fine, 1 refused
"
    );
    assert_eq!(stderr(&output), "", "no bar where nobody looks");
}

#[test]
fn quiet_tells_of_refused_files_only() {
    let (fine, refused) = (sample("image/rgb.jpg"), sample("image/cmyk.jpg"));
    assert_eq!(stdout(&run(&["-q", &fine])), "");
    assert!(stdout(&run(&["-q", &fine, &refused])).starts_with("refused  "));
    assert_eq!(lines(&run(&["-q", "--json", &fine, &refused])).len(), 1);
}

#[test]
fn json_has_stable_keys_whatever_the_outcome() {
    let dir = folder(&[("unknown", &[0, 1, 0xfe, 3])]);
    let output = run_in(
        dir.path(),
        &["--json", &sample("image/rgb.jpg"), &sample("image/cmyk.jpg"), "unknown", "nowhere"],
    );
    let objects = lines(&output);
    for object in &objects {
        let keys: Vec<&String> = object.as_object().unwrap().keys().collect();
        let wanted = ["file", "declared", "found", "facts", "warnings", "refusal", "error"];
        assert_eq!(keys.len(), wanted.len(), "{keys:?}");
        assert!(wanted.iter().all(|key| object.get(key).is_some()), "{keys:?}");
    }
    let [fine, refused, unknown, nowhere] = &objects[..] else { panic!("{objects:?}") };
    assert_eq!(fine["declared"], "image/jpeg");
    assert_eq!(fine["found"]["mime"], "image/jpeg");
    assert_eq!((&fine["facts"]["width"], &fine["facts"]["bit_depth"]), (&96.into(), &8.into()));
    assert!(fine["refusal"].is_null() && fine["error"].is_null());
    assert_eq!(refused["refusal"]["rule"], "colour-model");
    assert!(refused["refusal"]["details"].as_str().unwrap().starts_with("Image is invalid."));
    assert!(unknown["declared"].is_null());
    assert_eq!(unknown["refusal"]["rule"], "unrecognised");
    assert!(nowhere["found"].is_null() && nowhere["error"].is_string());
}

#[test]
fn the_declared_type_decides_what_a_file_is_judged_as() {
    let png = sample("image/rgb.png");
    assert!(json(&["--type", "IMAGE/PNG; x=1", &png])["refusal"].is_null());
    assert_eq!(json(&["--type", "image/jpeg", &png])["refusal"]["rule"], "wrong-type");
    let misnamed = json(&["--type", "image/jpg", &png]);
    assert_eq!(
        (&misnamed["declared"], &misnamed["refusal"]["rule"]),
        (&"image/jpg".into(), &"unsupported-type".into())
    );
    assert!(misnamed["refusal"]["message"].as_str().unwrap().contains("the right name is image/jpeg"));
    let opus = sample("audio/opus_mono.ogg");
    let warned = json(&["--type", "audio/ogg; codecs=vorbis", &opus]);
    assert_eq!(warned["warnings"][0]["rule"], "codecs-disagree");
    assert_eq!(json(&["--type", "audio/opus", &opus])["refusal"]["rule"], "unsupported-type");
}

#[test]
fn a_kind_picks_its_row_for_the_content_or_refuses() {
    let (sticker, movie, sound) =
        (sample("sticker/lossy.webp"), sample("video/h264_main_aac.mp4"), sample("audio/lc.m4a"));
    assert!(json(&["--as", "sticker", &sticker])["refusal"].is_null());
    let image = json(&["--as", "image", &sticker]);
    assert_eq!(
        image["refusal"]["details"],
        "Unsupported Image mime type image/webp. Please use one of image/png, image/jpeg."
    );
    assert!(json(&["--as", "video", &movie])["refusal"].is_null());
    assert_eq!(json(&["--as", "audio", &movie])["refusal"]["rule"], "video-in-audio");
    assert_eq!(json(&["--as", "video", &sound])["refusal"]["rule"], "no-video");
    assert_eq!(json(&["--as", "document", &sound])["refusal"]["rule"], "unsupported-type");
    assert_eq!(code(&run(&["--as", "picture", &sound])), 2);
    assert_eq!(code(&run(&["--as", "audio", "--type", "audio/mp4", &sound])), 2, "one or the other");
}

#[test]
fn strictness_decides_over_doubtful_files() {
    let palette = sample("image/palette.png");
    let refused = |how| json(&["--strictness", how, &palette])["refusal"].is_object();
    assert_eq!(["lenient", "default", "strict"].map(refused), [false, false, true]);
}

#[test]
fn names_help_where_content_says_nothing_and_warn_where_they_disagree() {
    let jpeg = fs::read(samples().join("image/rgb.jpg")).unwrap();
    let dir =
        folder(&[("empty.pdf", b""), ("empty", b""), ("photo.png", &jpeg), ("macros.docm", b"PK\x05\x06")]);
    let objects = lines(&run_in(dir.path(), &["--json", "empty.pdf", "empty", "photo.png"]));
    assert_eq!(
        (&objects[0]["declared"], &objects[0]["refusal"]["rule"]),
        (&"application/pdf".into(), &"empty".into())
    );
    assert_eq!((&objects[1]["declared"], &objects[1]["refusal"]["rule"]), (&Value::Null, &"empty".into()));
    assert_eq!(objects[2]["declared"], "image/jpeg");
    assert_eq!(objects[2]["warnings"][0]["rule"], "name-disagrees");
}

/// Files of any size: sparse ones cost nothing.
fn sparse(dir: &Path, name: &str, start: &[u8], bytes: u64) -> String {
    let path = dir.join(name);
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(start).unwrap();
    file.set_len(bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn over_the_limit_is_refused_as_the_server_does() {
    let dir = tempfile::tempdir().unwrap();
    let jpeg = fs::read(samples().join("image/rgb.jpg")).unwrap();
    let at_limit = sparse(dir.path(), "a.jpg", &jpeg, 5 << 20);
    let over = sparse(dir.path(), "b.jpg", &jpeg, (5 << 20) + 1);
    // Far more than memory should hold: only what decides is read.
    let huge = sparse(dir.path(), "c.pdf", b"%PDF-1.4\n", 40 << 30);
    assert!(json(&[&at_limit])["refusal"].is_null());
    for path in [&over, &huge] {
        let refusal = json(&[path])["refusal"].clone();
        assert_eq!(refusal["rule"], "too-large", "{path}");
        assert_eq!(refusal["details"], "File Too Large: The file you uploaded is too large.");
    }
}

#[test]
fn standard_input_is_judged_like_a_file() {
    let piped = |arguments: &[&str], bytes: &[u8]| {
        let dir = tempfile::tempdir().unwrap();
        let mut child = check(dir.path(), arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // More than is ever read: the pipe may break before all is written.
        let _ = child.stdin.take().unwrap().write_all(bytes);
        child.wait_with_output().unwrap()
    };
    // The index of this one stands last.
    let movie = fs::read(samples().join("video/h264_moov_last.mp4")).unwrap();
    let output = piped(&["--json", "-"], &movie);
    let object = &lines(&output)[0];
    assert_eq!((&object["file"], &object["declared"]), (&"-".into(), &"video/mp4".into()));
    assert_eq!(object["facts"]["bytes"], movie.len());
    assert_eq!(code(&output), 0);
    let text = vec![b'a'; (100 << 20) + 4096];
    let output = piped(&["--json", "-"], &text);
    assert_eq!(lines(&output)[0]["refusal"]["rule"], "too-large");
    assert_eq!(code(&output), 1);
}

#[test]
fn ten_thousand_files_are_told_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let jpeg = fs::read(samples().join("image/rgb.jpg")).unwrap();
    let gif = b"GIF89a\x01\0\x01\0\x80";
    for index in 0..10_000 {
        let folder = dir.path().join(format!("{:02}", index / 500));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{index:05}")), if index % 3 == 0 { &gif[..] } else { &jpeg }).unwrap();
    }
    std::os::unix::fs::symlink(dir.path(), dir.path().join("loop")).unwrap();
    let output = run(&["--json", dir.path().to_str().unwrap()]);
    let objects = lines(&output);
    assert_eq!((objects.len(), code(&output)), (10_000, 1));
    for (index, object) in objects.iter().enumerate() {
        assert!(object["file"].as_str().unwrap().ends_with(&format!("/{index:05}")), "{object}");
        assert_eq!(object["refusal"].is_object(), index % 3 == 0, "{object}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child =
        check(&samples(), &["--json", "."]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(stderr(&output), "");
    assert!(code(&output) < 2);
}

#[test]
fn hostile_names_neither_move_the_cursor_nor_break_the_command() {
    let dir =
        folder(&[("\x1b[2Ja.png", b"GIF89a\x01\0\x01\0\x80"), ("it's; ls.png", b"GIF89a\x01\0\x01\0\x80")]);
    let output = run_in(dir.path(), &["."]);
    assert!(!stdout(&output).contains('\x1b'), "{}", stdout(&output));
    assert!(stdout(&output).contains(r"$ ffmpeg -i INPUT "), "{}", stdout(&output));
    assert!(stdout(&output).contains(r"$ ffmpeg -i './it'\''s; ls.png' "), "{}", stdout(&output));
}

#[test]
fn configuration_is_not_asked() {
    let dir = folder(&[("wamedia.toml", b"this is no configuration")]);
    assert_eq!(code(&run_in(dir.path(), &[&sample("image/rgb.jpg")])), 0);
}

fn is_installed(tool: &str) -> bool {
    Command::new(tool).arg("-version").stdin(Stdio::null()).output().is_ok()
}

/// Every different command among the hints for the samples, run on the first file that gets it.
#[test]
fn hints_make_what_is_accepted() {
    let expected = fs::read_to_string(samples().join("../samples.expect.jsonl")).unwrap();
    let mut tried = Vec::new();
    for line in expected.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let path = samples().join(line["path"].as_str().unwrap());
        for declared in line["expect"].as_object().unwrap().keys() {
            let dir = tempfile::tempdir().unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            fs::copy(&path, dir.path().join(name)).unwrap();
            let object = &lines(&run_in(dir.path(), &["--json", "--type", declared, name]))[0];
            let Some(hint) = object["refusal"]["hint"].as_str() else { continue };
            let stem = name.rsplit_once('.').unwrap().0;
            let kind = (hint.replace(stem, ""), object["refusal"]["rule"].clone());
            if tried.contains(&kind) {
                continue;
            }
            tried.push(kind);
            mend(dir.path(), name, hint);
        }
    }
    assert!(tried.len() > 15, "{tried:?}");
}

/// Videos and pictures over their limit, which no committed sample can be.
#[test]
fn hints_make_large_files_small() {
    if !is_installed("ffmpeg") {
        return skip("ffmpeg", "the large files");
    }
    let dir = tempfile::tempdir().unwrap();
    let noise = "nullsrc=s=1501x1001:r=5,geq=random(1)*255:128:128";
    let make: [(&str, &[&str]); 3] = [
        (
            "large.jpg",
            &[
                "-f",
                "lavfi",
                "-i",
                "nullsrc=s=4000x3001,geq=random(1)*255:128:128",
                "-frames:v",
                "1",
                "-q:v",
                "1",
            ],
        ),
        (
            "large.mp4",
            &[
                "-f",
                "lavfi",
                "-i",
                noise,
                "-t",
                "8",
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-qp",
                "5",
                "-pix_fmt",
                "yuv444p",
            ],
        ),
        ("large.mp3", &["-f", "lavfi", "-i", "anoisesrc", "-t", "440", "-c:a", "libmp3lame", "-b:a", "320k"]),
    ];
    for (name, arguments) in make {
        let made = Command::new("ffmpeg").current_dir(dir.path()).args(arguments).arg(name).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let object = &lines(&run_in(dir.path(), &["--json", name]))[0];
        assert_eq!(object["refusal"]["rule"], "too-large", "{object}");
        mend(dir.path(), name, object["refusal"]["hint"].as_str().unwrap());
    }
}

/// Says that a tool is missing past the capturing of the tests' output, so that nobody takes silence for success.
fn skip(tool: &str, what: &str) {
    let line = format!("WARNING: {tool} is missing, so {what} went untried; apt-get install ffmpeg webp\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Runs a hint as a person would, and checks what it wrote.
fn mend(dir: &Path, name: &str, hint: &str) {
    let tool = hint.split(' ').next().unwrap();
    if !is_installed(tool) {
        return skip(tool, name);
    }
    let done = Command::new("sh").args(["-c", hint]).current_dir(dir).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{hint}\n{said}");
    let stem = format!("{}-whatsapp.", name.rsplit_once('.').unwrap().0);
    let written = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let written = written.into_iter().find(|name| name.starts_with(&stem)).unwrap();
    let output = run_in(dir, &[&written]);
    assert_eq!(code(&output), 0, "{hint}\n{}", stdout(&output));
}
