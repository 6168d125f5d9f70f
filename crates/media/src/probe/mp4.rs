//! The rules of `video/mp4`, `video/3gpp` and `audio/mp4` (documented by the vendor: H.264 and AAC only, one audio
//! stream or none). How the boxes are read stands in [`super::bmff`].

use super::bmff::{Handler, Movie, Track};
use crate::Rule;
use crate::case::Case;
use crate::content::Content;

/// H.264 profiles that phones decode.
const COMMON_PROFILES: &[&str] = &["Baseline", "Constrained Baseline", "Main", "High"];

/// AAC object types that every decoder has: LC, and HE, which falls back to LC.
const COMMON_AAC: &[&str] = &["LC", "HE-AAC", "HE-AAC v2"];

/// Judges `video/mp4` and `video/3gpp`.
pub(crate) fn judge_video(case: &mut Case<'_>) {
    let content = case.content;
    let Content::Movie(movie) = content else { return case.note_other_type() };
    if is_picture(movie) {
        return case.note_other_type();
    }
    case.found_as = Some(found_as(movie));
    if !judge_container(case, movie) {
        return;
    }
    if case.declared.mime == "video/3gpp" {
        judge_3gp_brands(case, movie);
    } else {
        judge_mp4_brands(case, movie);
    }
    judge_pictures(case, movie);
    judge_sounds(case, movie);
    judge_extras(case, movie);
    judge_layout(case, movie);
}

/// Judges `audio/mp4`.
pub(crate) fn judge_audio(case: &mut Case<'_>) {
    let content = case.content;
    let Content::Movie(movie) = content else { return case.note_other_type() };
    if is_picture(movie) {
        return case.note_other_type();
    }
    case.found_as = Some(found_as(movie));
    if !judge_container(case, movie) {
        return;
    }
    if movie.brands.is_empty() {
        case.note(Rule::Brand, "it names no brand (no ftyp), as old QuickTime files do");
    } else if movie.only_quicktime() {
        case.note(Rule::QuickTimeBrand, "its only brand is QuickTime's, qt");
    } else if movie.only_3gp() {
        case.note(Rule::Audio3gp, format!("its brands are 3GP's only: {}", movie.brand_list()));
    }
    if let Some(video) = movie.videos().next() {
        case.note(Rule::VideoInAudio, format!("it has a video track ({})", video.facts.codec));
    }
    let mut sounds = movie.sounds();
    let Some(sound) = sounds.next() else {
        if movie.videos().next().is_none() {
            case.note(Rule::Undecodable, "it has no audio track");
        }
        return;
    };
    let more = sounds.count();
    if more > 0 {
        case.note(Rule::M4aStreams, format!("it has {} audio tracks", more + 1));
    }
    if sound.facts.codec == "aac" {
        judge_aac_profile(case, sound);
    } else {
        case.note(Rule::M4aCodec, format!("its sound is {}, not AAC", sound.facts.codec));
    }
    judge_extras(case, movie);
    if movie.fragmented {
        case.note(Rule::Fragmented, "its samples are in fragments (moof)");
    }
}

/// HEIF, AVIF and the like share the boxes only.
fn is_picture(movie: &Movie) -> bool {
    movie.found().mime.starts_with("image/")
}

/// The type as the vendor's texts put it, with codecs.
fn found_as(movie: &Movie) -> String {
    let mime = movie.found().mime;
    let codec =
        |track: Option<&Track>| track.map_or("none".to_owned(), |track| vendor_codec(&track.facts.codec));
    match (movie.videos().next(), movie.sounds().next()) {
        (None, None) => mime.to_owned(),
        (None, sound) => format!("{mime}, audioCodec={}", codec(sound)),
        (video, None) => format!("{mime}, videoCodec={}", codec(video)),
        (video, sound) => format!("{mime}, videoCodec={}, audioCodec={}", codec(video), codec(sound)),
    }
}

/// A codec without a name of its own is `unknown` in the vendor's texts.
fn vendor_codec(codec: &str) -> String {
    let named = codec.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if named && !codec.starts_with("mp4-object") { codec.to_owned() } else { "unknown".to_owned() }
}

/// Can anything be decoded at all? Tells whether judging further makes sense.
fn judge_container(case: &mut Case<'_>, movie: &Movie) -> bool {
    let refuse = |case: &mut Case<'_>, rule, message: String| {
        case.note(rule, message);
        false
    };
    if !movie.has_moov {
        let why = if movie.fragmented { "a fragment without its start" } else { "cut off or never finished" };
        return refuse(case, Rule::Undecodable, format!("it has no index (moov): it is {why}"));
    }
    if let Some(track) = movie.tracks.iter().find(|track| track.encrypted) {
        return refuse(case, Rule::EncryptedMedia, format!("its {} track is encrypted", track.facts.kind));
    }
    if movie.compressed {
        return refuse(
            case,
            Rule::Undecodable,
            "its index is compressed, as in QuickTime files of the nineties".into(),
        );
    }
    if movie.tracks.is_empty() {
        return refuse(case, Rule::Undecodable, "its index names no track".into());
    }
    if let Some(message) = misplaced_samples(movie, case.bytes) {
        return refuse(case, Rule::Undecodable, message);
    }
    if movie.cut {
        case.note(Rule::Damaged, "a box is larger than the file has room for");
    }
    true
}

/// Says so when the index points at what is not there.
fn misplaced_samples(movie: &Movie, bytes: u64) -> Option<String> {
    let streams = || movie.videos().chain(movie.sounds());
    for track in streams() {
        let kind = track.facts.kind;
        if track.contradicts {
            return Some(format!("the tables of its {kind} track contradict each other"));
        }
        match track.chunks {
            Some((_, greatest)) if greatest >= bytes => {
                return Some(format!(
                    "its {kind} track points at byte {greatest}, past the end of the file at {bytes}: it is cut off"
                ));
            }
            Some((least, _)) if movie.is_outside_data(least) => {
                return Some(format!(
                    "its {kind} track points at byte {least}, which is outside the media data"
                ));
            }
            _ => {}
        }
    }
    let has_samples = movie.fragmented || streams().any(|track| track.samples > 0);
    (!has_samples && streams().next().is_some()).then(|| "its tracks have no samples".to_owned())
}

fn judge_mp4_brands(case: &mut Case<'_>, movie: &Movie) {
    if movie.brands.is_empty() {
        case.note(Rule::Brand, "it names no brand (no ftyp), as old QuickTime files do");
    } else if movie.only_quicktime() {
        case.note(Rule::QuickTimeBrand, "its only brand is QuickTime's, qt");
    } else if movie.only_3gp() {
        case.note(
            Rule::Brand,
            format!("its brands are 3GP's only ({}): it is video/3gpp", movie.brand_list()),
        );
    }
}

fn judge_3gp_brands(case: &mut Case<'_>, movie: &Movie) {
    if movie.brands.is_empty() {
        case.note(Rule::Brand, "it names no brand (no ftyp), as old QuickTime files do");
    } else if movie.only_quicktime() {
        case.note(Rule::QuickTimeBrand, "its only brand is QuickTime's, qt");
    } else if !movie.has_3gp() {
        case.note(Rule::Brand, format!("none of its brands is 3GP's: {}", movie.brand_list()));
    }
}

fn judge_pictures(case: &mut Case<'_>, movie: &Movie) {
    let mut videos = movie.videos();
    let Some(video) = videos.next() else {
        return judge_missing_video(case, movie);
    };
    let tracks = || movie.videos().map(|track| (&track.facts.codec, &track.other_codec));
    let codecs = tracks().flat_map(|(codec, other)| std::iter::once(codec).chain(other));
    if let Some(codec) = codecs.into_iter().find(|codec| *codec != "h264") {
        return case.note(Rule::VideoCodec, format!("its video is {codec}; only h264 is taken"));
    }
    let more = videos.count();
    if more > 0 {
        case.note(Rule::SeveralVideos, format!("it has {} video tracks", more + 1));
    }
    let Some(profile) = video.facts.profile.as_deref() else {
        return case.note(Rule::Damaged, "its H.264 track has no decoder configuration");
    };
    if !COMMON_PROFILES.contains(&profile) {
        case.note(
            Rule::RareProfile,
            format!("its H.264 profile is {profile}, which hardly any phone decodes"),
        );
    } else if profile == "High" && video.facts.b_frames != Some(false) {
        let frames =
            if video.facts.b_frames == Some(true) { "with B-frames" } else { "perhaps with B-frames" };
        case.note(
            Rule::HighProfile,
            format!("its H.264 profile is High {frames}; some Android clients do not show it"),
        );
    }
}

fn judge_missing_video(case: &mut Case<'_>, movie: &Movie) {
    if let Some(cover) = movie.tracks.iter().find(|track| track.handler == Handler::Cover) {
        let codec = &cover.facts.codec;
        case.note(Rule::VideoCodec, format!("its only picture track is {codec}; only h264 is taken"));
    } else if movie.sounds().next().is_some() {
        case.note(Rule::NoVideo, "it has sound and no video track: it is audio/mp4");
    } else {
        case.note(Rule::Undecodable, "it has neither a video nor an audio track");
    }
}

fn judge_sounds(case: &mut Case<'_>, movie: &Movie) {
    let codecs =
        movie.sounds().flat_map(|track| std::iter::once(&track.facts.codec).chain(&track.other_codec));
    if let Some(codec) = codecs.into_iter().find(|codec| *codec != "aac") {
        case.note(Rule::VideoAudioCodec, format!("its sound is {codec}; only aac is taken in a video"));
    }
    let count = movie.sounds().count();
    if count > 1 {
        case.note(Rule::AudioStreams, format!("it has {count} audio streams; one or none is taken"));
    }
    if let Some(sound) = movie.sounds().next() {
        judge_aac_profile(case, sound);
    }
}

fn judge_aac_profile(case: &mut Case<'_>, sound: &Track) {
    if let Some(profile) = sound.facts.profile.as_deref()
        && sound.facts.codec == "aac"
        && !COMMON_AAC.contains(&profile)
    {
        case.note(
            Rule::AacProfile,
            format!("its AAC object type is {profile}, which not every phone decodes"),
        );
    }
}

fn judge_extras(case: &mut Case<'_>, movie: &Movie) {
    let extra = |track: &&Track| !matches!(track.handler, Handler::Video | Handler::Audio);
    let kinds: Vec<&str> = movie.tracks.iter().filter(extra).map(|track| track.facts.kind).collect();
    if !kinds.is_empty() {
        case.note(
            Rule::ExtraTracks,
            format!("it has {} further track(s): {}", kinds.len(), kinds.join(", ")),
        );
    }
}

fn judge_layout(case: &mut Case<'_>, movie: &Movie) {
    if movie.fragmented {
        case.note(Rule::Fragmented, "its samples are in fragments (moof); such files have failed at send");
    } else if movie.moov_last {
        case.note(
            Rule::MoovLast,
            "its index (moov) stands after the data: playing starts only when all is loaded",
        );
    }
}
