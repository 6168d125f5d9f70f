//! Hostile and damaged files: bounded work whatever the bytes, and the right reason where one can be told.

use proptest::prelude::*;
use wamedia_media::{MEDIA_TYPES, Rule, Strictness, identify};

use crate::build::*;
use crate::made::{self, sample};
use crate::support::{Counting, files, judge, judge_as, samples};

/// The rule a file is refused by.
fn refused(bytes: &[u8], declared: &str) -> Option<Rule> {
    judge(bytes, declared).refusal.map(|refusal| refusal.rule)
}

#[test]
fn bombs_cost_little() {
    for (name, bytes) in made::bombs() {
        eprintln!("{name}");
        // `judge` asserts the bounds on reads and bytes. Reading is the same under every type.
        for declared in ["image/jpeg", "video/mp4", "text/plain"] {
            judge(&bytes, declared);
        }
    }
}

#[test]
fn a_million_names_cost_what_ten_thousand_do() {
    let bytes = made::zip_of_names(1_000_000);
    let mut source = Counting::new(&bytes);
    identify(&mut source).unwrap();
    assert!(
        source.reads < 100 && source.bytes_read < 2 * 1024 * 1024,
        "{} reads, {} bytes",
        source.reads,
        source.bytes_read
    );
}

#[test]
fn a_large_document_costs_little_more_than_a_small_one() {
    let small = sample("doc/minimal.pdf");
    let large = [&small[..60], &vec![b' '; 100 << 20], &small[60..]].concat();
    let cost = |bytes: &[u8]| {
        let mut source = Counting::new(bytes);
        identify(&mut source).unwrap();
        source.bytes_read
    };
    assert!(cost(&large) < cost(&small) + 128 * 1024, "{} and {}", cost(&large), cost(&small));
    let text = "Ein Satz mit Umlauten: äöü.\n".repeat(3 << 20);
    assert!(cost(text.as_bytes()) < 2 * 1024 * 1024, "{}", cost(text.as_bytes()));
}

#[test]
fn lists_of_content_types_are_read_within_bounds() {
    let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let rules = |bytes: &[u8]| {
        let verdict = judge(bytes, docx);
        assert!(verdict.is_accepted(), "{:?}", verdict.refusal);
        verdict.warnings.iter().map(|warning| warning.rule).collect::<Vec<_>>()
    };
    // Far from its end at any bound, and behind any bound: not seen, and said.
    for bytes in [1000, 64 * 1024, 3 << 20] {
        assert_eq!(rules(&docx_listing(8, &deflate_bomb(bytes))), [Rule::ContentTypesUnread], "{bytes}");
    }
    let template = b"<Override ContentType='application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml'/>";
    assert_eq!(refused(&docx_listing(0, template), docx), Some(Rule::OfficeVariant));
    assert_eq!(refused(&docx_listing(0, &template.to_ascii_uppercase()), docx), Some(Rule::OfficeVariant));
    let behind = [&[b' '; 64 * 1024][..], template].concat();
    assert_eq!(rules(&docx_listing(0, &behind)), [Rule::ContentTypesUnread]);
    // What the list names before a bound counts, however it goes on.
    let before = [&template[..], &[b' '; 64 * 1024]].concat();
    assert_eq!(refused(&docx_listing(0, &before), docx), Some(Rule::OfficeVariant));
    // A default for an extension says nothing of a part, where the document has its own type.
    let part = |office: &str| {
        let kind = format!("application/vnd.openxmlformats-officedocument.{office}.main+xml");
        format!("<Override PartName='/x' ContentType='{kind}'/>")
    };
    let default =
        "<Default Extension='bin' ContentType='application/vnd.ms-word.document.macroEnabled.main+xml'/>";
    let plain = part("wordprocessingml.document");
    assert_eq!(rules(&docx_listing(0, format!("{default}{plain}").as_bytes())), []);
    assert_eq!(refused(&docx_listing(0, default.as_bytes()), docx), Some(Rule::OfficeVariant));
    let both = format!("{plain}{}", part("wordprocessingml.template"));
    assert_eq!(refused(&docx_listing(0, both.as_bytes()), docx), Some(Rule::OfficeVariant));
    // An embedded workbook with macros is none of the document's own.
    let embedding =
        b"<Default Extension='xlsm' ContentType='application/vnd.ms-excel.sheet.macroEnabled.12'/>";
    assert_eq!(rules(&docx_listing(0, &[plain.as_bytes(), embedding].concat())), []);
}

#[test]
fn convoluted_files_are_said_to_be() {
    let (_, bytes) = made::bombs().into_iter().find(|(name, _)| *name == "jpeg of segments only").unwrap();
    let verdict = judge(&bytes[..5 << 20], "image/jpeg");
    assert_eq!(verdict.refusal.unwrap().rule, Rule::Undecodable);
    assert_eq!(refused(&bytes, "application/pdf"), Some(Rule::TooConvoluted));
}

#[test]
fn long_pictures_are_not_convoluted() {
    let picture = sample("image/rgb.jpg");
    let long = [&picture[..picture.len() - 2], &[0xff, 0x00].repeat(2_000_000)].concat();
    let verdict = judge(&[&long[..], &[0xff, 0xd9], &vec![7; 300_000]].concat(), "image/jpeg");
    assert!(verdict.is_accepted(), "{:?}", verdict.refusal);
    assert_eq!(verdict.warnings.iter().map(|w| w.rule).collect::<Vec<_>>(), [Rule::TrailingData]);
    let cut = judge(&long, "image/jpeg");
    assert_eq!(cut.warnings.iter().map(|w| w.rule).collect::<Vec<_>>(), [Rule::Damaged]);
}

#[test]
fn texts_may_start_like_anything() {
    let starts = [
        "MAC addresses",
        "RIFF, a container",
        "OTTO von",
        "BM 40",
        "MZ and PE",
        "ID3 tags are",
        "FWS",
        "CWS",
        "BZh9",
    ];
    let more = ["The free world", "And then ftyp", "DDS exam", "TTA1", "8BPS", "OggS", "caff", "P6 3 3"];
    for text in
        starts.iter().chain(&more).map(|start| format!("{start}, and so on in plain letters.\n").repeat(40))
    {
        assert!(judge(text.as_bytes(), "text/plain").is_accepted(), "{}", &text[..20]);
    }
    assert!(judge("G".repeat(5000).as_bytes(), "text/plain").is_accepted());
}

#[test]
fn a_wrong_checksum_where_a_picture_starts_is_seen() {
    for (path, chunk) in [("image/rgb.png", b"IDAT"), ("image/palette.png", b"PLTE")] {
        let mut bytes = sample(path);
        assert_eq!(refused(&bytes, "image/png"), None, "{path}");
        let at = bytes.windows(4).position(|window| window == chunk).unwrap();
        bytes[at + 7] ^= 1;
        assert_eq!(refused(&bytes, "image/png"), Some(Rule::Undecodable), "{path}");
    }
    let suggestion = png(8, 8, 8, 2, &chunk(b"PLTE", &[0; 4]));
    assert_eq!(refused(&suggestion, "image/png"), None, "true colour needs no palette");
}

#[test]
fn tables_of_small_numbers_are_no_wide_text() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    for text in ["Zażółć gęślą jaźń: a text with letters from beyond Latin-1.\r\n", "ok\n"] {
        assert!(judge(&wide(text), "text/plain").is_accepted(), "{text}");
    }
    let numbers: Vec<u8> = (0..500u16).flat_map(|number| (number % 30).to_le_bytes()).collect();
    for bytes in [&numbers[..], &[0, 1, 0xfe, 3]] {
        assert!(refused(bytes, "text/plain").is_some(), "{bytes:?}");
    }
}

#[test]
fn polyglots_are_what_they_start_as() {
    let zip = made::sample("doc/minimal.docx");
    for path in ["image/rgb.jpg", "image/rgb.png", "audio/cbr32k.mp3"] {
        let polyglot = [sample(path), zip.clone()].concat();
        let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        assert!(refused(&polyglot, docx).is_some(), "{path} with a ZIP behind it is no docx");
    }
    let trailing = judge(&[sample("image/rgb.png"), zip].concat(), "image/png");
    assert!(trailing.is_accepted() && trailing.warnings.iter().any(|w| w.rule == Rule::TrailingData));
}

#[test]
fn names_and_codecs_warn_and_never_decide() {
    use wamedia_media::{InspectOptions, MimeType, find, inspect};
    let bytes = sample("image/rgb.jpg");
    let row = find(&MimeType::parse("image/jpeg").unwrap()).unwrap();
    for (name, warns) in [
        ("a.jpg", false),
        ("a.JPEG", false),
        ("a.png", true),
        ("a.heic", true),
        (".png", false),
        ("a", false),
        ("a.b", false),
    ] {
        let options = InspectOptions { file_name: Some(name), ..InspectOptions::default() };
        let verdict = inspect(&mut &bytes[..], row, &options).unwrap();
        assert!(verdict.is_accepted());
        assert_eq!(verdict.warnings.iter().any(|w| w.rule == Rule::NameDisagrees), warns, "{name}");
    }
    let opus = sample("audio/opus_mono.ogg");
    assert!(judge(&opus, "audio/ogg; codecs=opus").warnings.is_empty());
    let verdict = judge(&opus, "audio/ogg; codecs=vorbis");
    assert!(verdict.is_accepted() && verdict.warnings.iter().any(|w| w.rule == Rule::CodecsDisagree));
}

#[test]
fn sizes_are_judged_in_both_readings() {
    let picture = sample("image/rgb.jpg");
    let padded = |bytes: usize| [&picture[..], &vec![0; bytes - picture.len()]].concat();
    let has = |verdict: &wamedia_media::Verdict, rule| verdict.warnings.iter().any(|w| w.rule == rule);
    assert!(!has(&judge(&padded(5_000_000), "image/jpeg"), Rule::NearLimit));
    let between = judge(&padded(5 << 20), "image/jpeg");
    assert!(between.is_accepted() && has(&between, Rule::NearLimit));
    assert_eq!(refused(&padded((5 << 20) + 1), "image/jpeg"), Some(Rule::TooLarge));
    let strictly = judge_as(&padded(5 << 20), "image/jpeg", Strictness::Strict);
    assert_eq!(strictly.refusal.unwrap().rule, Rule::TooLarge);
    let sticker = judge(&sample("sticker/static_too_large.webp"), "image/webp").refusal.unwrap();
    assert_eq!(sticker.rule, Rule::TooLarge);
    assert_eq!(sticker.details, "File Too Large: The file you uploaded is too large.");
}

#[test]
fn brands_decide_between_mp4_3gp_and_quicktime() {
    let with =
        |brands: &[&[u8; 4]]| movie(brands, &[(b"vide", video_entry(b"avc1", 66)), (b"soun", aac_entry())]);
    type Row<'a> = (&'a [&'a [u8; 4]], Option<Rule>, Option<Rule>);
    let table: &[Row<'_>] = &[
        (&[b"isom", b"mp41"], None, Some(Rule::Brand)),
        (&[b"mp42", b"3gp5"], None, None),
        (&[b"3gp6", b"isom"], None, None),
        (&[b"3gp6"], Some(Rule::Brand), None),
        (&[b"3g2a"], Some(Rule::Brand), Some(Rule::Brand)),
        (&[b"3g2a", b"3gp6"], Some(Rule::Brand), None),
        (&[b"qt  "], Some(Rule::QuickTimeBrand), Some(Rule::QuickTimeBrand)),
        (&[b"qt  ", b"mp42"], None, Some(Rule::Brand)),
        (&[b"XAVC", b"odd "], None, Some(Rule::Brand)),
        (&[], Some(Rule::Brand), Some(Rule::Brand)),
    ];
    for (brands, as_mp4, as_3gp) in table {
        let bytes = with(brands);
        assert_eq!(refused(&bytes, "video/mp4"), *as_mp4, "{brands:?} as mp4");
        assert_eq!(refused(&bytes, "video/3gp"), *as_3gp, "{brands:?} as 3gp");
    }
}

#[test]
fn refusals_carry_the_vendors_texts() {
    let details = |path: &str, declared: &str| judge(&sample(path), declared).refusal.unwrap().details;
    assert_eq!(
        details("video/h264_flac.mp4", "video/mp4"),
        "Video file uploaded with mimetype as video/mp4, however on processing it is of type video/mp4, videoCodec=h264, audioCodec=flac. Please choose a different file."
    );
    assert_eq!(
        details("audio/vorbis.ogg", "audio/ogg; codecs=opus"),
        "Audio file uploaded with mimetype as audio/ogg; codecs=opus, however on processing it is of type application/octet-stream. Please choose a different file."
    );
    assert_eq!(
        details("image/gif_named.png", "image/png"),
        "Image file uploaded with mimetype as image/png, however on processing it is of type image/gif. Please choose a different file."
    );
    assert_eq!(
        details("image/png16.png", "image/png"),
        "Image is invalid. Please check the image properties; supported are JPG/JPEG, RGB/RGBA, 8 bit/channels and PNG, RGB/RGBA, up to 8 bit/channel."
    );
    assert_eq!(
        details("audio/opus_mono.opus", "audio/opus"),
        "Unsupported Audio mime type audio/opus. Please use one of audio/ogg; codecs=opus, audio/mpeg, audio/amr, audio/mp4, audio/aac."
    );
}

#[test]
fn cut_anywhere_nothing_panics_and_the_type_stays_or_is_lost() {
    for path in files(&samples()) {
        let bytes = std::fs::read(&path).unwrap();
        for part in 1..16 {
            let cut = &bytes[..bytes.len() * part / 16];
            let mut source = Counting::new(cut);
            identify(&mut source).unwrap();
            source.assert_bounded();
        }
    }
}

/// One sample, by number.
fn any_sample() -> impl Strategy<Value = Vec<u8>> {
    let all: Vec<Vec<u8>> = files(&samples())
        .into_iter()
        .map(|path| std::fs::read(path).unwrap())
        .filter(|b| !b.is_empty())
        .collect();
    (0..all.len()).prop_map(move |index| all[index].clone())
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..2048), row in 0..MEDIA_TYPES.len()) {
        judge(&bytes, MEDIA_TYPES[row].mime);
    }

    #[test]
    fn mutated_samples_are_judged(
        mut bytes in any_sample(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..24),
        row in 0..MEDIA_TYPES.len(),
    ) {
        for (at, byte) in changes {
            let at = at.index(bytes.len().min(4096));
            bytes[at] = byte;
        }
        judge(&bytes, MEDIA_TYPES[row].mime);
    }

    #[test]
    fn spliced_samples_are_judged(first in any_sample(), second in any_sample(), at in any::<prop::sample::Index>(), row in 0..MEDIA_TYPES.len()) {
        let at = at.index(first.len());
        judge(&[&first[..at], &second[at.min(second.len())..]].concat(), MEDIA_TYPES[row].mime);
    }
}
