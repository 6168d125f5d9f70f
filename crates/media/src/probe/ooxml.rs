//! OOXML: Word, Excel and PowerPoint told apart by their list of content types; macros and other variants refused.
//!
//! Where that list cannot be read, the names of the parts tell; a template or a show then looks like the plain document,
//! is taken for one, and warned of.

use super::ole::{self, OleKind};
use super::zip::Zip;
use crate::case::Case;
use crate::content::Content;
use crate::{Facts, Found, Rule};

/// What an archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ZipKind {
    /// One of the three Office types.
    Office(Office),
    /// An OPC package whose main part has a name of its own: any of the three.
    Package,
    /// Another known format, or a plain archive.
    Other(&'static str, &'static str),
    /// Without a readable directory.
    Broken,
}

/// The three Office types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Office {
    Word,
    Excel,
    PowerPoint,
}

impl Office {
    fn mime(self) -> &'static str {
        match self {
            Self::Word => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Excel => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::PowerPoint => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Word => "Word document",
            Self::Excel => "Excel workbook",
            Self::PowerPoint => "PowerPoint presentation",
        }
    }
}

/// Archives that are formats of their own, by a name in them.
const BY_NAME: &[(&str, &str, &str)] = &[
    ("visio/", "application/vnd.ms-visio.drawing", "Visio drawing"),
    ("androidmanifest.xml", "application/vnd.android.package-archive", "Android app"),
    ("payload/", "application/x-ios-app", "iOS app"),
    ("meta-inf/manifest.mf", "application/java-archive", "Java archive"),
    ("fixeddocumentsequence.fdseq", "application/vnd.ms-xpsdocument", "XPS document"),
    ("fixeddocseq.fdseq", "application/vnd.ms-xpsdocument", "XPS document"),
    ("3d/", "model/3mf", "3MF model"),
    ("appxmanifest.xml", "application/appx", "Windows app"),
    ("extension.vsixmanifest", "application/vsix", "Visual Studio extension"),
    ("index/document.iwa", "application/vnd.apple.iwork", "iWork document"),
    ("meta-inf/container.xml", "application/epub+zip", "EPUB book"),
    ("meta-inf/manifest.xml", "application/vnd.oasis.opendocument", "OpenDocument file"),
    ("doc.kml", "application/vnd.google-earth.kmz", "KMZ map"),
];

#[rustfmt::skip]
/// Archives that name their type in a stored first part.
const BY_MIMETYPE: &[(&[u8], &str, &str)] = &[
    (b"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text", "OpenDocument text"),
    (b"application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet", "OpenDocument spreadsheet"),
    (b"application/vnd.oasis.opendocument.presentation", "application/vnd.oasis.opendocument.presentation", "OpenDocument presentation"),
    (b"application/vnd.oasis.opendocument.", "application/vnd.oasis.opendocument", "OpenDocument file"),
    (b"application/epub+zip", "application/epub+zip", "EPUB book"),
    (b"application/vnd.sun.xml.", "application/vnd.sun.xml", "OpenOffice 1 file"),
];

/// Content types of the plain documents' main parts. Embedded documents' types lack the `.main`.
const PLAIN: &[(&str, Office)] = &[
    ("wordprocessingml.document.main", Office::Word),
    ("spreadsheetml.sheet.main", Office::Excel),
    ("presentationml.presentation.main", Office::PowerPoint),
];

/// Bytes looked back for the start of an element: a part's name and type are shorter, and the work stays linear.
const MAX_ELEMENT_BYTES: usize = 1024;

/// A type of its own that is one of the three in another dress.
struct Variant {
    /// The content type of its main part, in lower case.
    main: &'static str,
    office: Office,
    mime: &'static str,
    name: &'static str,
}

#[rustfmt::skip]
const VARIANTS: &[Variant] = &[
    Variant { main: "ms-word.document.macroenabled.main", office: Office::Word, mime: "application/vnd.ms-word.document.macroEnabled.12", name: "Word document with macros (docm)" },
    Variant { main: "ms-word.template.macroenabledtemplate.main", office: Office::Word, mime: "application/vnd.ms-word.template.macroEnabled.12", name: "Word template with macros (dotm)" },
    Variant { main: "wordprocessingml.template.main", office: Office::Word, mime: "application/vnd.openxmlformats-officedocument.wordprocessingml.template", name: "Word template (dotx)" },
    Variant { main: "ms-excel.sheet.macroenabled.main", office: Office::Excel, mime: "application/vnd.ms-excel.sheet.macroEnabled.12", name: "Excel workbook with macros (xlsm)" },
    Variant { main: "ms-excel.template.macroenabled.main", office: Office::Excel, mime: "application/vnd.ms-excel.template.macroEnabled.12", name: "Excel template with macros (xltm)" },
    Variant { main: "ms-excel.sheet.binary.macroenabled.main", office: Office::Excel, mime: "application/vnd.ms-excel.sheet.binary.macroEnabled.12", name: "binary Excel workbook (xlsb)" },
    Variant { main: "ms-excel.addin.macroenabled.main", office: Office::Excel, mime: "application/vnd.ms-excel.addin.macroEnabled.12", name: "Excel add-in (xlam)" },
    // Of a beta of Office 2007, whose files are still about.
    Variant { main: "ms-excel.template.main", office: Office::Excel, mime: "application/vnd.openxmlformats-officedocument.spreadsheetml.template", name: "Excel template (xltx)" },
    Variant { main: "spreadsheetml.template.main", office: Office::Excel, mime: "application/vnd.openxmlformats-officedocument.spreadsheetml.template", name: "Excel template (xltx)" },
    Variant { main: "ms-powerpoint.presentation.macroenabled.main", office: Office::PowerPoint, mime: "application/vnd.ms-powerpoint.presentation.macroEnabled.12", name: "PowerPoint presentation with macros (pptm)" },
    Variant { main: "ms-powerpoint.slideshow.macroenabled.main", office: Office::PowerPoint, mime: "application/vnd.ms-powerpoint.slideshow.macroEnabled.12", name: "PowerPoint show with macros (ppsm)" },
    Variant { main: "ms-powerpoint.template.macroenabled.main", office: Office::PowerPoint, mime: "application/vnd.ms-powerpoint.template.macroEnabled.12", name: "PowerPoint template with macros (potm)" },
    Variant { main: "ms-powerpoint.addin.macroenabled.main", office: Office::PowerPoint, mime: "application/vnd.ms-powerpoint.addin.macroEnabled.12", name: "PowerPoint add-in (ppam)" },
    Variant { main: "presentationml.slideshow.main", office: Office::PowerPoint, mime: "application/vnd.openxmlformats-officedocument.presentationml.slideshow", name: "PowerPoint show (ppsx)" },
    Variant { main: "presentationml.template.main", office: Office::PowerPoint, mime: "application/vnd.openxmlformats-officedocument.presentationml.template", name: "PowerPoint template (potx)" },
];

/// The plain type's MIME name for a variant's.
pub(crate) fn plain_of(mime: &str) -> Option<&'static str> {
    VARIANTS.iter().find(|variant| variant.mime == mime).map(|variant| variant.office.mime())
}

impl Zip {
    /// What the archive is.
    pub(crate) fn kind(&self) -> ZipKind {
        if !self.has_directory {
            return ZipKind::Broken;
        }
        if let Some((_, mime, name)) = BY_MIMETYPE
            .iter()
            .find(|(text, ..)| self.mimetype.as_ref().is_some_and(|mimetype| mimetype.starts_with(text)))
        {
            return ZipKind::Other(mime, name);
        }
        if let Some(office) = self.office() {
            return ZipKind::Office(office);
        }
        if let Some((_, mime, name)) = BY_NAME.iter().find(|(mark, ..)| self.has(mark)) {
            return ZipKind::Other(mime, name);
        }
        if self.has_content_types && self.has("_rels/.rels") {
            // A list that was read to its end would have named an Office type.
            return match &self.content_types {
                Some(types) if types.is_whole => {
                    ZipKind::Other("application/x-opc", "OPC package of another kind")
                }
                _ => ZipKind::Package,
            };
        }
        ZipKind::Other("application/zip", "ZIP archive")
    }

    /// Whether the list of content types, as far as it was read, gives a type to some part.
    fn types_name(&self, main: &str) -> bool {
        let types = self.content_types.as_ref().map(|types| &types.text[..]).unwrap_or_default();
        memchr::memmem::find(types, main.as_bytes()).is_some()
    }

    /// Whether the list gives a type to one part by its name, and not to all of an extension, which there may be none of:
    /// a common writer of workbooks lists the binary ones' type so in every file.
    fn types_name_part(&self, main: &str) -> bool {
        let types = self.content_types.as_ref().map(|types| &types.text[..]).unwrap_or_default();
        memchr::memmem::find_iter(types, main.as_bytes()).any(|at| {
            let before = &types[at.saturating_sub(MAX_ELEMENT_BYTES)..at];
            let element = memchr::memrchr(b'<', before).map(|start| &before[start..]).unwrap_or_default();
            element.split(u8::is_ascii_whitespace).next().is_some_and(|name| name.ends_with(b"override"))
        })
    }

    /// The variant that the list names, of one of the types or of any.
    fn listed_variant(&self, office: Option<Office>) -> Option<&'static Variant> {
        let is_plain = PLAIN.iter().any(|(main, _)| self.types_name(main));
        let is_named = |variant: &&Variant| {
            if is_plain { self.types_name_part(variant.main) } else { self.types_name(variant.main) }
        };
        VARIANTS.iter().filter(|variant| office.is_none_or(|office| office == variant.office)).find(is_named)
    }

    fn office(&self) -> Option<Office> {
        let plain = PLAIN.iter().find(|(main, _)| self.types_name(main)).map(|(_, office)| *office);
        let variant = || self.listed_variant(None).map(|variant| variant.office);
        let parts = [
            ("word/document.xml", Office::Word),
            ("xl/workbook.xml", Office::Excel),
            ("xl/workbook.bin", Office::Excel),
            ("ppt/presentation.xml", Office::PowerPoint),
        ];
        let part = || parts.into_iter().find(|(part, _)| self.has(part));
        // The main part may have another name in the usual folder.
        let folders = [("word/", Office::Word), ("xl/", Office::Excel), ("ppt/", Office::PowerPoint)];
        let folder = || folders.into_iter().find(|(folder, _)| self.has_content_types && self.has(folder));
        plain.or_else(variant).or_else(|| part().or_else(folder).map(|(_, office)| office))
    }

    /// The variant it is instead of the plain document, if anything that can be seen tells.
    fn variant(&self, office: Office) -> Option<&'static Variant> {
        // Without the list, a part's name tells of binaries and macros.
        let by_name = match office {
            Office::Excel if self.has("xl/workbook.bin") => "ms-excel.sheet.binary.macroenabled.main",
            Office::Word if self.has_macros => "ms-word.document.macroenabled.main",
            Office::Excel if self.has_macros => "ms-excel.sheet.macroenabled.main",
            Office::PowerPoint if self.has_macros => "ms-powerpoint.presentation.macroenabled.main",
            _ => "",
        };
        let by_name = || VARIANTS.iter().find(|variant| variant.main == by_name);
        self.listed_variant(Some(office)).or_else(by_name)
    }

    /// Whether a template or a show would go unseen: the list, as far as it was read, does not name the plain document.
    fn hides_variants(&self, office: Office) -> bool {
        let is_plain = PLAIN.iter().any(|(main, of)| *of == office && self.types_name(main));
        self.has_content_types && !is_plain
    }

    pub(crate) fn found(&self) -> Found {
        match self.kind() {
            ZipKind::Office(office) => match self.variant(office) {
                Some(variant) => Found { mime: variant.mime, name: variant.name },
                None => Found { mime: office.mime(), name: office.name() },
            },
            ZipKind::Package => {
                Found { mime: "application/x-opc", name: "Office document with unusual part names" }
            }
            ZipKind::Other(mime, name) => Found { mime, name },
            ZipKind::Broken => Found { mime: "application/zip", name: "broken ZIP archive" },
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        let office = matches!(self.kind(), ZipKind::Office(_) | ZipKind::Package);
        Facts {
            entries: Some(self.entries),
            macros: office.then_some(self.has_macros),
            encrypted: Some(self.encrypted),
            ..Facts::default()
        }
    }
}

/// Judges the three OOXML types.
pub(crate) fn judge(case: &mut Case<'_>) {
    let content = case.content;
    let zip = match content {
        Content::Zip(zip) => zip,
        Content::Ole(ole) if ole.kind == OleKind::EncryptedOoxml => return ole::note_encrypted(case),
        _ => return case.note_other_type(),
    };
    match zip.kind() {
        ZipKind::Office(office) if office.mime() == case.declared.mime => {
            if let Some(variant) = zip.variant(office) {
                case.note(
                    Rule::OfficeVariant,
                    format!("its type is {} ({}), another registered one", variant.mime, variant.name),
                );
            } else if zip.hides_variants(office) {
                case.note(
                    Rule::ContentTypesUnread,
                    "no content type could be read for its main part: a template would pass for a document",
                );
            }
        }
        ZipKind::Package => {}
        ZipKind::Broken => {
            return case.note(
                Rule::Undecodable,
                "it starts like a ZIP, and has no directory: it is cut off or damaged",
            );
        }
        ZipKind::Office(_) | ZipKind::Other(..) => return case.note_other_type(),
    }
    if !zip.has_content_types {
        case.found_as = Some("application/zip".to_owned());
        case.note(
            Rule::OoxmlIncomplete,
            "it has no list of content types, without which Office does not open it",
        );
    }
    if zip.damaged {
        case.note(Rule::Damaged, "its ZIP directory stops making sense before its end");
    }
    if zip.encrypted {
        case.note(Rule::OfficeEncrypted, "parts of its ZIP are encrypted");
    }
}
