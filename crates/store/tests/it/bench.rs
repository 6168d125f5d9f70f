//! The workbench: a store in a temporary folder with one account, and builders with legal defaults.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tempfile::TempDir;
use wamedia_media::{MediaId, PhoneNumberId};
use wamedia_store::{AccountId, Media, NewMedia, Origin, Staged, Store, StoreOptions};

/// Noon of some day: the tests' beginning of time.
pub(crate) const NOON: Timestamp = Timestamp::constant(1_780_000_000, 0);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);
pub(crate) const NUMBER: u64 = 1_025_723_653_965_602;

/// A store in a folder that goes with it.
pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    pub(crate) store: Store,
    pub(crate) account: AccountId,
    ids: u64,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(StoreOptions::default()).await
    }

    /// With a file for each blob.
    pub(crate) async fn without_packs() -> Self {
        let mut options = StoreOptions::default();
        options.packs = false;
        Self::with(options).await
    }

    pub(crate) async fn with(options: StoreOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data"), options).unwrap();
        let account = store.catalog().create_account("first", NOON).await.unwrap().id;
        store.catalog().add_phone_number(account, number(NUMBER), "+1 555", NOON).await.unwrap();
        Self { dir, store, account, ids: 0 }
    }

    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopen(&mut self) {
        self.store.clone().close().await;
        self.store = Store::open(&self.data(), StoreOptions::default()).unwrap();
    }

    pub(crate) async fn stage(&self, bytes: &[u8]) -> Staged {
        stage(&self.store, self.account, bytes).await
    }

    pub(crate) async fn upload(&mut self, bytes: &[u8]) -> Media {
        self.upload_as(self.account, bytes, NOON).await
    }

    pub(crate) async fn upload_as(&mut self, account: AccountId, bytes: &[u8], now: Timestamp) -> Media {
        let staged = stage(&self.store, account, bytes).await;
        self.ids += 1;
        let id = id(self.ids);
        staged.commit(new_media(account, now), &mut || id).await.unwrap()
    }

    pub(crate) async fn read(&self, media: &Media) -> Vec<u8> {
        read_all(&self.store, media).await.unwrap()
    }

    /// A piece that was being written when its upload was dropped ends by itself, and soon.
    pub(crate) async fn staging_empties(&self) {
        for _ in 0..1000 {
            if self.files("staging").is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("staging still holds {:?}", self.files("staging"));
    }

    /// A folder for blobs, as if something had once been there.
    pub(crate) fn blob_folder(&self, name: &str) -> std::path::PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.data().join("blobs").join(name);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    /// What blobs take on the disk, in units of 4 KiB, whatever records say.
    pub(crate) fn units(&self) -> u64 {
        let files = self.files("blobs").into_iter().map(|path| path.metadata().unwrap().len());
        let packs = self.files("packs").into_iter().map(|path| data_in(&path));
        (files.map(|len| len.next_multiple_of(UNIT_BYTES)).sum::<u64>() + packs.sum::<u64>()) / UNIT_BYTES
    }

    /// Where each blob is, oldest media first.
    pub(crate) fn spots(&self) -> Vec<Spot> {
        spots(&self.data())
    }

    /// Every file below the data folder's `sub` folder.
    pub(crate) fn files(&self, sub: &str) -> Vec<std::path::PathBuf> {
        files_below(&self.data().join(sub))
    }
}

pub(crate) fn number(number: u64) -> PhoneNumberId {
    PhoneNumberId::new(number).unwrap()
}

/// The n-th id of a test.
pub(crate) fn id(n: u64) -> MediaId {
    MediaId::new(MediaId::FIRST + n).unwrap()
}

/// Bytes without a pattern that a chunk could share with another, the same for the same arguments.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Lengths around every border of the format and of the staging.
pub(crate) const LENGTHS: &[usize] = &[
    0, 1, 1000, 16_383, 16_384, 16_385, 32_768, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 196_608,
    300_000, 1_048_576,
];

pub(crate) fn new_media(account: AccountId, now: Timestamp) -> NewMedia {
    NewMedia {
        account,
        phone_number_id: number(NUMBER),
        mime_type: "image/png".to_owned(),
        file_name: Some("holiday.png".to_owned()),
        origin: Origin::Uploaded,
        created_at: now,
        expires_at: now + 30 * DAY,
        keep_for: Some(30 * DAY),
    }
}

pub(crate) async fn stage(store: &Store, account: AccountId, bytes: &[u8]) -> Staged {
    let mut staging = store.stage(account, u64::MAX);
    // Odd pieces, so that no border of ours is met by luck.
    for piece in bytes.chunks(10_007) {
        staging.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    staging.finish().await.unwrap()
}

pub(crate) async fn read_all(store: &Store, media: &Media) -> Result<Vec<u8>, wamedia_store::ReadError> {
    let mut reader = store.open_media(media).await?;
    let mut bytes = Vec::new();
    loop {
        let piece = reader.read_at(bytes.len() as u64, 64 * 1024).await?;
        if piece.is_empty() {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&piece);
    }
}

const UNIT_BYTES: u64 = 4096;

/// The sealed bytes of a media of so many, in units of 4 KiB.
pub(crate) fn units_of(bytes: usize) -> u64 {
    wamedia_store::seal::sealed_len(bytes as u64).div_ceil(UNIT_BYTES)
}

/// How much of a file is no hole.
fn data_in(path: &Path) -> u64 {
    use rustix::fs::{SeekFrom, seek};
    let file = std::fs::File::open(path).unwrap();
    let (mut at, mut data) = (0, 0);
    while let Ok(start) = seek(&file, SeekFrom::Data(at)) {
        at = seek(&file, SeekFrom::Hole(start)).unwrap();
        data += at.next_multiple_of(UNIT_BYTES) - start;
    }
    data
}

/// Where a blob is, as `docs/formats.md` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) path: std::path::PathBuf,
    pub(crate) start: u64,
    /// Of the sealed bytes.
    pub(crate) len: u64,
}

impl Spot {
    pub(crate) fn of(data: &Path, blob: &str, bytes: u64) -> Self {
        let len = wamedia_store::seal::sealed_len(bytes);
        let Some(place) = blob.strip_prefix("ffff") else {
            return Self { path: data.join("blobs").join(&blob[..2]).join(blob), start: 0, len };
        };
        let (pack, part) = place.split_at(16);
        let [start, units] = [&part[..8], &part[8..]].map(|hex| u64::from_str_radix(hex, 16).unwrap());
        assert_eq!(units, len.div_ceil(UNIT_BYTES));
        let start = start * UNIT_BYTES;
        Self { path: data.join("packs").join(pack), start, len }
    }

    pub(crate) fn is_in_pack(&self) -> bool {
        self.path.parent().unwrap().ends_with("packs")
    }

    /// Changes a bit of one byte of the blob; a second time it is as it was.
    pub(crate) fn flip(&self, at: u64) {
        use std::os::unix::fs::FileExt;
        assert!(at < self.len);
        let file = std::fs::File::options().read(true).write(true).open(&self.path).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, self.start + at).unwrap();
        file.write_all_at(&[byte[0] ^ 0x20], self.start + at).unwrap();
    }

    pub(crate) fn read(&self) -> Vec<u8> {
        use std::os::unix::fs::FileExt;
        let mut sealed = vec![0; usize::try_from(self.len).unwrap()];
        std::fs::File::open(&self.path).unwrap().read_exact_at(&mut sealed, self.start).unwrap();
        sealed
    }
}

pub(crate) fn spots(data: &Path) -> Vec<Spot> {
    let connection = rusqlite::Connection::open(data.join("catalog.sqlite")).unwrap();
    let sql = "SELECT lower(hex(blob)), bytes FROM media GROUP BY blob ORDER BY min(created_at), min(rowid)";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        Ok(Spot::of(data, &row.get::<_, String>(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

pub(crate) fn files_below(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}
