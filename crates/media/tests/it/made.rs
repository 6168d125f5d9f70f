//! Files made up for what no encoder writes: rare, broken, contradictory and hostile ones.

use crate::build::*;
use crate::support::samples;

/// A committed sample's bytes.
pub(crate) fn sample(path: &str) -> Vec<u8> {
    std::fs::read(samples().join(path)).unwrap()
}

/// A lossless picture's header in WebP: 64 × 48.
const VP8L: &[u8] = &[0x2f, 63, 0xc0, 0x0b, 0];

/// What rules speak of and samples do not have.
pub(crate) fn rare() -> Vec<(&'static str, Vec<u8>)> {
    let video = (b"vide", video_entry(b"avc1", 66));
    let sound = (b"soun", aac_entry());
    let jpeg = sample("image/rgb.jpg");
    let pdf = String::from_utf8_lossy(&sample("doc/minimal.pdf")).replacen(
        "trailer",
        "trailer % /Encrypt 9 0 R\n",
        1,
    );
    let ooxml =
        |more: &str| zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b""), (more, b"")]);
    vec![
        ("sticker between KB and KiB", webp(&[(b"VP8L", VP8L), (b"junk", &[0; 101_000])])),
        ("jpeg with MPF", [&jpeg[..2], &segment(0xe2, b"MPF\0II*\0"), &jpeg[2..]].concat()),
        (
            "movie with text",
            movie(&[b"isom"], &[video.clone(), sound.clone(), (b"text", boxed(b"tx3g", &[0; 30]))]),
        ),
        ("encrypted movie", movie(&[b"isom"], &[(b"vide", video_entry(b"encv", 66))])),
        ("sound in 3gp", movie(&[b"3gp5"], &[sound])),
        ("movie without brands", movie(&[], &[video])),
        ("aac behind a tag", [&b"ID3\x04\0\0\0\0\0\x04abcd"[..], &sample("audio/lc.aac")].concat()),
        (
            "amr wide band",
            [&b"#!AMR-WB\n"[..], &[0x04; 18], &[0x04; 18]].concat().into_iter().map(|b| b & 0x7f).collect(),
        ),
        ("mp3 behind junk", [&[0x00, 0x13, 0x80].repeat(30)[..], &sample("audio/noid3.mp3")].concat()),
        (
            "two opus streams",
            [
                ogg_page(true, 1, &opus_head(1)),
                ogg_page(true, 2, &opus_head(1)),
                ogg_page(false, 1, b"OpusTags"),
            ]
            .concat(),
        ),
        ("pdf with a password", pdf.into_bytes()),
        ("docx with macros", ooxml("word/vbaProject.bin")),
        ("docx, stored", ooxml("word/styles.xml")),
        ("docx with a damaged list", docx_listing(8, b"\xff\xff")),
        ("ooxml with a password", ole(&["EncryptionInfo", "EncryptedPackage"])),
        ("excel 95", ole(&["Book"])),
        ("outlook message", ole(&["__properties_version1.0"])),
    ]
}

/// Files that cost a careless reader dearly. Small ones only: the large are made where they are tried.
pub(crate) fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let nested = (0..10_000)
        .fold(Vec::new(), |inner, _| [&(inner.len() as u32 + 8).to_be_bytes()[..], b"moov", &inner].concat());
    let huge = |kind: &[u8; 4], size: u64| [&1u32.to_be_bytes()[..], kind, &size.to_be_bytes()].concat();
    let jpeg = sample("image/rgb.jpg");
    // A directory that names itself as the next one, with as many entries as can be said.
    let exif_loop = [&b"Exif\0\0II*\0\x08\0\0\0\xff\xff"[..], &[8, 0, 0, 0].repeat(4000)].concat();
    vec![
        ("png of 65535 squared", png(65535, 65535, 8, 2, b"")),
        ("png of 2^31-1 squared", png(i32::MAX as u32, i32::MAX as u32, 8, 6, b"")),
        (
            "png with compressed texts",
            png(
                1,
                1,
                8,
                2,
                &chunk(b"zTXt", &[b"k\0\0\x78\x9c".to_vec(), vec![0; 60_000]].concat()).repeat(20),
            ),
        ),
        (
            "jpeg of 65535 squared",
            [
                &[0xff, 0xd8][..],
                &segment(0xdb, &[0; 65]),
                &segment(0xc0, &[8, 0xff, 0xff, 0xff, 0xff, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]),
                &segment(0xda, &[0; 10]),
                &[0; 9],
            ]
            .concat(),
        ),
        ("jpeg with an exif loop", [&jpeg[..2], &segment(0xe1, &exif_loop), &jpeg[2..]].concat()),
        ("jpeg of stuffed bytes", [&jpeg[..jpeg.len() - 2], &[0xff, 0x00].repeat(500_000)].concat()),
        ("jpeg of fill bytes", [&jpeg[..jpeg.len() - 2], &[0xff].repeat(1_000_000)].concat()),
        ("jpeg of segments only", [&[0xff, 0xd8][..], &segment(0xe0, &[0; 16_400]).repeat(700)].concat()),
        (
            "webp of 2^24 squared",
            webp(&[(b"VP8X", &[2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), (b"ANMF", &[0; 24])]),
        ),
        ("webp of a hundred thousand chunks", webp(&vec![(b"ANMF", &[0; 16][..]); 100_000])),
        ("boxes 10000 deep", [ftyp(&[b"isom"]), nested].concat()),
        ("box of size 0", [ftyp(&[b"isom"]), [&[0; 4][..], b"moov", &[0; 64]].concat()].concat()),
        ("box of size 1 and 2^63", [ftyp(&[b"isom"]), huge(b"mdat", 1 << 63)].concat()),
        ("box of size 1 and 2^64-1", [ftyp(&[b"isom"]), huge(b"moov", u64::MAX)].concat()),
        ("box of size 1 and 0", [ftyp(&[b"isom"]), huge(b"moov", 0)].concat()),
        (
            "movie of a hundred thousand boxes",
            [ftyp(&[b"isom"]), boxed(b"free", b"").repeat(100_000)].concat(),
        ),
        (
            "movie of sixty thousand tracks",
            [ftyp(&[b"isom"]), boxed(b"moov", &boxed(b"trak", &boxed(b"mdia", b"")).repeat(60_000))].concat(),
        ),
        ("movie that says 2^32-1 chunks", movie_of_chunks()),
        ("tables in tables", [ftyp(&[b"isom"]), boxed(b"moov", &wide_track().repeat(64))].concat()),
        ("zip of a hundred thousand names", zip_of_names(100_000)),
        ("zip64 that ends past everything", zip64_past_everything()),
        ("docx whose list inflates without end", docx_listing(8, &deflate_bomb(64 * 1024))),
        ("docx whose list is of empty blocks", docx_listing(8, &[0, 0, 0, 0xff, 0xff].repeat(13_107))),
        ("ole whose chain is a loop", ole_loop()),
        ("ogg of beginnings", ogg_page(true, 1, &opus_head(1)).repeat(50_000)),
        ("id3 tags only", b"ID3\x04\0\0\0\0\0\0".repeat(100_000)),
        ("sync bytes only", vec![0xff; 1_000_000]),
        ("mpeg headers without frames", [0xff, 0xfb, 0x90, 0x64].repeat(200_000)),
        ("free-format headers", [0xff, 0xfb, 0x00, 0x64].repeat(200_000)),
        (
            "pdf of ends",
            [&b"%PDF-1.4\n"[..], &b"startxref\n99999999999999999999\n%%EOF\n".repeat(20_000)].concat(),
        ),
        ("zeros", vec![0; 2_000_000]),
    ]
}

/// A table of chunk offsets that says more entries than any file has.
fn movie_of_chunks() -> Vec<u8> {
    let stco = full(b"stco", &[&u32::MAX.to_be_bytes()[..], &[0, 0, 0, 40].repeat(5000)].concat());
    let ctts = full(b"ctts", &[&u32::MAX.to_be_bytes()[..], &[0, 0, 0, 1, 0, 0, 0, 0].repeat(5000)].concat());
    let table = boxed(b"stbl", &[ctts, stco].concat());
    let hdlr = full(b"hdlr", b"\0\0\0\0vide");
    let track = boxed(b"trak", &boxed(b"mdia", &[hdlr, boxed(b"minf", &table)].concat()));
    [ftyp(&[b"isom"]), boxed(b"mdat", &[0; 64]), boxed(b"moov", &track)].concat()
}

/// A track with as many boxes at every level as are looked at.
fn wide_track() -> Vec<u8> {
    let entry = boxed(b"mp4a", &[vec![0; 28], full(b"esds", &[0; 20]).repeat(200)].concat());
    let stsd = full(b"stsd", &[vec![0; 4], entry.repeat(8)].concat());
    boxed(
        b"trak",
        &boxed(
            b"mdia",
            &[full(b"hdlr", b"\0\0\0\0soun"), boxed(b"minf", &boxed(b"stbl", &stsd.repeat(2)))].concat(),
        ),
    )
}

/// A ZIP of so many empty parts.
pub(crate) fn zip_of_names(count: u32) -> Vec<u8> {
    let entry = [&b"PK\x01\x02"[..], &[0; 24], &[1, 0], &[0; 16], b"a"].concat();
    let directory = entry.repeat(count as usize);
    let end = [
        &b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff"[..],
        &(directory.len() as u32).to_le_bytes(),
        &[4, 0, 0, 0, 0, 0],
    ]
    .concat();
    [b"PK\x03\x04".to_vec(), directory, end].concat()
}

/// A 64-bit end record whose numbers overflow when they are added.
fn zip64_past_everything() -> Vec<u8> {
    let record = [&b"PK\x06\x06"[..], &[0; 36], &[0xff; 16]].concat();
    let locator = [&b"PK\x06\x07\0\0\0\0"[..], &4u64.to_le_bytes(), &[1, 0, 0, 0]].concat();
    let end = [&b"PK\x05\x06\0\0\0\0"[..], &[0xff; 12], &[0, 0]].concat();
    [b"PK\x03\x04".to_vec(), record, locator, end].concat()
}

/// A directory whose next sector is itself, and whose entries are each other's neighbours.
fn ole_loop() -> Vec<u8> {
    let mut bytes = ole(&["a", "b", "c"]);
    bytes[516..520].copy_from_slice(&1u32.to_le_bytes());
    let second = 1024 + 128;
    bytes[second + 68..second + 76].copy_from_slice(&[1, 0, 0, 0, 1, 0, 0, 0]);
    bytes
}
