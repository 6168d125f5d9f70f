//! Inspection of a sound file of each type, as it stands in memory: what a probe reads and decides, without any disk.

use std::fs;
use std::path::Path;

use divan::{Bencher, black_box};
use wamedia_media::{InspectOptions, MimeType, Source, find, inspect};

/// One of each row of the type table: the declared type and the sample.
const SAMPLES: [&str; 19] = [
    "audio/aac audio/lc.aac",
    "audio/amr audio/nb_mode7.amr",
    "audio/mpeg audio/cbr128k.mp3",
    "audio/mp4 audio/lc.m4a",
    "audio/ogg audio/opus_mono.ogg",
    "text/plain text/utf8.txt",
    "application/pdf doc/minimal.pdf",
    "application/msword office/plain.doc",
    "application/vnd.ms-excel office/plain.xls",
    "application/vnd.ms-powerpoint office/plain.ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document doc/minimal.docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet office/plain.xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation office/plain.pptx",
    "image/jpeg image/rgb.jpg",
    "image/png image/rgb.png",
    "image/webp sticker/flat_512.webp",
    "video/mp4 video/h264_main_aac.mp4",
    "video/3gpp video/h264_aac_3gp.3gp",
    "image/webp sticker/animated.webp",
];

fn main() {
    divan::main();
}

#[divan::bench(args = SAMPLES)]
fn probe(bencher: Bencher<'_, '_>, sample: &str) {
    let (mime, path) = sample.split_once(' ').expect("a type and a path");
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/samples");
    let bytes = fs::read(samples.join(path)).expect("a sample");
    let declared = find(&MimeType::parse(mime).expect("a type")).expect("a row of the table");
    let options = InspectOptions::default();
    bencher.bench_local(|| {
        let mut source = black_box(&bytes[..]);
        let source: &mut dyn Source = &mut source;
        inspect(source, declared, &options).expect("memory is read without errors")
    });
}

/// The largest text: every byte of it is looked at, up to the bound of inspection.
#[divan::bench]
fn text_of_16_mib(bencher: Bencher<'_, '_>) {
    let text = "all work and no play makes a dull file\n".repeat(16 * 1024 * 1024 / 39);
    let declared = find(&MimeType::parse("text/plain").expect("a type")).expect("a row of the table");
    bencher.bench_local(|| {
        let mut source = black_box(text.as_bytes());
        inspect(&mut source, declared, &InspectOptions::default()).expect("memory is read without errors")
    });
}
