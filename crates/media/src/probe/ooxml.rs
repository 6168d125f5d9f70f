//! OOXML: Word, Excel and PowerPoint told apart by the names of their parts; macros and other variants refused.
//!
//! The list of content types would tell everything, and is nearly always compressed: it is read where it is stored, and
//! nothing is inflated. Without it a template or a show looks like the plain document, and is taken for one.

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

/// Content types of main parts other than the plain documents': the text to find, the type's registered name, what it is.
#[rustfmt::skip]
const VARIANTS: &[(&str, &str, &str)] = &[
    ("ms-word.document.macroEnabled", "application/vnd.ms-word.document.macroEnabled.12", "Word document with macros (docm)"),
    ("ms-word.template.macroEnabled", "application/vnd.ms-word.template.macroEnabled.12", "Word template with macros (dotm)"),
    ("wordprocessingml.template.main", "application/vnd.openxmlformats-officedocument.wordprocessingml.template", "Word template (dotx)"),
    ("ms-excel.sheet.macroEnabled", "application/vnd.ms-excel.sheet.macroEnabled.12", "Excel workbook with macros (xlsm)"),
    ("ms-excel.template.macroEnabled", "application/vnd.ms-excel.template.macroEnabled.12", "Excel template with macros (xltm)"),
    ("ms-excel.sheet.binary", "application/vnd.ms-excel.sheet.binary.macroEnabled.12", "binary Excel workbook (xlsb)"),
    ("ms-excel.addin", "application/vnd.ms-excel.addin.macroEnabled.12", "Excel add-in (xlam)"),
    ("spreadsheetml.template.main", "application/vnd.openxmlformats-officedocument.spreadsheetml.template", "Excel template (xltx)"),
    ("ms-powerpoint.presentation.macroEnabled", "application/vnd.ms-powerpoint.presentation.macroEnabled.12", "PowerPoint presentation with macros (pptm)"),
    ("ms-powerpoint.slideshow.macroEnabled", "application/vnd.ms-powerpoint.slideshow.macroEnabled.12", "PowerPoint show with macros (ppsm)"),
    ("ms-powerpoint.template.macroEnabled", "application/vnd.ms-powerpoint.template.macroEnabled.12", "PowerPoint template with macros (potm)"),
    ("ms-powerpoint.addin", "application/vnd.ms-powerpoint.addin.macroEnabled.12", "PowerPoint add-in (ppam)"),
    ("presentationml.slideshow.main", "application/vnd.openxmlformats-officedocument.presentationml.slideshow", "PowerPoint show (ppsx)"),
    ("presentationml.template.main", "application/vnd.openxmlformats-officedocument.presentationml.template", "PowerPoint template (potx)"),
];

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
            return ZipKind::Package;
        }
        ZipKind::Other("application/zip", "ZIP archive")
    }

    fn office(&self) -> Option<Office> {
        let named = |text: &str| {
            let types = self.content_types.as_deref().unwrap_or_default();
            memchr::memmem::find(types, text.as_bytes()).is_some()
        };
        if named("wordprocessingml.document.main") || self.has("word/document.xml") {
            return Some(Office::Word);
        }
        if named("spreadsheetml.sheet.main") || self.has("xl/workbook.xml") || self.has("xl/workbook.bin") {
            return Some(Office::Excel);
        }
        if named("presentationml.presentation.main") || self.has("ppt/presentation.xml") {
            return Some(Office::PowerPoint);
        }
        // The main part may have another name in the usual folder.
        let folders = [("word/", Office::Word), ("xl/", Office::Excel), ("ppt/", Office::PowerPoint)];
        folders
            .into_iter()
            .find(|(folder, _)| self.has_content_types && self.has(folder))
            .map(|(_, office)| office)
    }

    /// The variant it is instead of the plain document, if anything that can be seen tells.
    fn variant(&self, office: Office) -> Option<Found> {
        let types = self.content_types.as_deref().unwrap_or_default();
        let by_text =
            VARIANTS.iter().find(|(text, ..)| memchr::memmem::find(types, text.as_bytes()).is_some());
        // Without the list, a part's name tells of binaries and macros.
        let by_name = match office {
            Office::Excel if self.has("xl/workbook.bin") => "ms-excel.sheet.binary",
            Office::Word if self.has_macros => "ms-word.document.macroEnabled",
            Office::Excel if self.has_macros => "ms-excel.sheet.macroEnabled",
            Office::PowerPoint if self.has_macros => "ms-powerpoint.presentation.macroEnabled",
            _ => "",
        };
        let (_, mime, name) = by_text.or_else(|| VARIANTS.iter().find(|(text, ..)| *text == by_name))?;
        Some(Found { mime, name })
    }

    pub(crate) fn found(&self) -> Found {
        match self.kind() {
            ZipKind::Office(office) => {
                self.variant(office).unwrap_or(Found { mime: office.mime(), name: office.name() })
            }
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
