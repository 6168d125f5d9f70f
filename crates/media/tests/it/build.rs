//! Small builders of containers: enough structure to be recognised, nothing to decode.

/// A box of an MP4.
pub(crate) fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
}

/// A box with version and flags.
pub(crate) fn full(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[0; 4], body].concat())
}

/// `ftyp` with a major brand and compatible ones.
pub(crate) fn ftyp(brands: &[&[u8; 4]]) -> Vec<u8> {
    let (major, others) = brands.split_first().unwrap();
    let others: Vec<u8> = others.iter().flat_map(|brand| **brand).collect();
    boxed(b"ftyp", &[&major[..], &[0; 4], &others].concat())
}

/// A track with one sample at `offset`, described by one entry.
pub(crate) fn track(handler: &[u8; 4], entry: Vec<u8>, offset: u32) -> Vec<u8> {
    let stsd = full(b"stsd", &[&1u32.to_be_bytes()[..], &entry].concat());
    let stsz = full(b"stsz", &[0u32.to_be_bytes(), 1u32.to_be_bytes(), 4u32.to_be_bytes()].concat());
    let stco = full(b"stco", &[1u32.to_be_bytes(), offset.to_be_bytes()].concat());
    let stbl = boxed(b"stbl", &[stsd, stsz, stco].concat());
    let hdlr = full(b"hdlr", &[&[0; 4], &handler[..], &[0; 13]].concat());
    boxed(b"trak", &boxed(b"mdia", &[hdlr, boxed(b"minf", &stbl)].concat()))
}

/// A video description: `avc1` of a profile, or another format with the same configuration.
pub(crate) fn video_entry(format: &[u8; 4], profile: u8) -> Vec<u8> {
    let mut body = vec![0; 78];
    body[24..28].copy_from_slice(&[0, 64, 0, 48]);
    body.extend(boxed(b"avcC", &[1, profile, 0, 30, 0xff, 0xe0, 0]));
    boxed(format, &body)
}

/// A sound description: AAC LC, stereo, 44.1 kHz.
pub(crate) fn aac_entry() -> Vec<u8> {
    let mut body = vec![0; 28];
    body[17] = 2;
    body.extend(full(
        b"esds",
        &[3, 25, 0, 0, 0, 4, 17, 0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0x12, 0x10, 6, 1, 2],
    ));
    boxed(b"mp4a", &body)
}

/// A whole movie: brands, data, then the index of tracks whose sample lies in the data.
pub(crate) fn movie(brands: &[&[u8; 4]], tracks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut bytes = if brands.is_empty() { Vec::new() } else { ftyp(brands) };
    let offset = bytes.len() as u32 + 8;
    bytes.extend(boxed(b"mdat", &[1, 2, 3, 4]));
    let tracks = tracks.iter().flat_map(|(handler, entry)| track(handler, entry.clone(), offset));
    bytes.extend(boxed(b"moov", &tracks.collect::<Vec<u8>>()));
    bytes
}

/// A segment of a JPEG.
pub(crate) fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    [&[0xff, marker][..], &(body.len() as u16 + 2).to_be_bytes(), body].concat()
}

/// A chunk of a PNG.
pub(crate) fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let named = [&kind[..], body].concat();
    [&(body.len() as u32).to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
}

/// A PNG of one IDAT with nothing behind its zlib header.
pub(crate) fn png(width: u32, height: u32, depth: u8, color_type: u8, extra: &[u8]) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, color_type, 0, 0, 0]);
    let parts = [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(b"IHDR", &header),
        extra,
        &chunk(b"IDAT", &[0x78, 0x9c, 0]),
        &chunk(b"IEND", b""),
    ];
    parts.concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// A WebP of chunks.
pub(crate) fn webp(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (kind, bytes) in chunks {
        body.extend_from_slice(*kind);
        body.extend((bytes.len() as u32).to_le_bytes());
        body.extend_from_slice(bytes);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat()
}

/// A page that begins a stream in an Ogg, or follows.
pub(crate) fn ogg_page(begins: bool, serial: u32, body: &[u8]) -> Vec<u8> {
    let mut page = b"OggS\0".to_vec();
    page.push(if begins { 2 } else { 0 });
    page.extend([0; 8]);
    page.extend(serial.to_le_bytes());
    page.extend([0; 8]);
    page.extend([1, body.len() as u8]);
    page.extend(body);
    page
}

/// The first packet of Opus.
pub(crate) fn opus_head(channels: u8) -> Vec<u8> {
    [&b"OpusHead\x01"[..], &[channels, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 0, 0]].concat()
}

/// A ZIP of stored parts.
pub(crate) fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
    zip_by(0, parts)
}

/// A Word document whose list of content types is compressed by a method: 0 stored, 8 deflated.
pub(crate) fn docx_listing(method: u8, types: &[u8]) -> Vec<u8> {
    zip_by(method, &[("[Content_Types].xml", types), ("word/document.xml", b"")])
}

/// A deflated stream of this length that never ends: a literal, then matches of 258 bytes one byte back.
pub(crate) fn deflate_bomb(bytes: usize) -> Vec<u8> {
    // Fixed codes, in the order of their bits: the block's header, the literal, and the match, over and over.
    let head = [0, 1, 0].into_iter().chain([0, 1, 1, 1, 0, 0, 0, 1]);
    let mut bits = head.chain([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0].into_iter().cycle());
    let byte =
        |bits: &mut dyn Iterator<Item = u8>| (0..8).fold(0, |byte, at| byte | bits.next().unwrap() << at);
    (0..bytes).map(|_| byte(&mut bits)).collect()
}

/// A ZIP of parts that stand as they are and say they are compressed by a method.
fn zip_by(method: u8, parts: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in parts {
        let size = (content.len() as u32).to_le_bytes();
        let shared = [
            &[20, 0, 0, 0, method, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &size,
            &size,
            &(name.len() as u16).to_le_bytes(),
            &[0, 0],
        ]
        .concat();
        directory.extend(
            [
                &b"PK\x01\x02\x14\0"[..],
                &shared,
                &[0; 10],
                &(bytes.len() as u32).to_le_bytes(),
                name.as_bytes(),
            ]
            .concat(),
        );
        bytes.extend([&b"PK\x03\x04"[..], &shared, name.as_bytes(), content].concat());
    }
    let count = (parts.len() as u16).to_le_bytes();
    let (size, at) = ((directory.len() as u32).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
    [bytes, directory, [&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size, &at, &[0, 0]].concat()].concat()
}

/// An OLE file whose root holds streams of these names, each at most three.
pub(crate) fn ole(names: &[&str]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..8].copy_from_slice(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
    header[26..34].copy_from_slice(&[3, 0, 0xfe, 0xff, 9, 0, 6, 0]);
    header[44] = 1;
    header[48] = 1;
    header[68..].fill(0xff);
    header[76..80].fill(0);
    let mut table = vec![0xff; 512];
    table[..8].copy_from_slice(&[0xfd, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff]);
    let mut directory = ole_entry("Root Entry", 5, u32::MAX, 1);
    for (index, name) in names.iter().enumerate() {
        let right = if index + 1 < names.len() { index as u32 + 2 } else { u32::MAX };
        directory.extend(ole_entry(name, 2, right, u32::MAX));
    }
    directory.resize(512, 0);
    [header, table, directory].concat()
}

fn ole_entry(name: &str, kind: u8, right: u32, child: u32) -> Vec<u8> {
    let mut entry = vec![0; 128];
    for (index, unit) in name.encode_utf16().enumerate() {
        entry[2 * index..2 * index + 2].copy_from_slice(&unit.to_le_bytes());
    }
    entry[64] = 2 * name.len() as u8 + 2;
    entry[66] = kind;
    entry[68..72].fill(0xff);
    entry[72..76].copy_from_slice(&right.to_le_bytes());
    entry[76..80].copy_from_slice(&child.to_le_bytes());
    entry
}
