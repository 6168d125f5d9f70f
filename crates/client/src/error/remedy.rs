//! What to do about each error, as a sentence for a person.

use std::io;

use super::{Damage, Error, Missing, Rejection};

impl Error {
    /// What to do about it, as a sentence for a person.
    pub fn remedy(&self) -> String {
        match self {
            Self::Rejected(rejection) => rejection.remedy(),
            Self::NotFound { what: Missing::Media(_), .. } => "Upload the file again, or ask for it with the \
                credential of the number that has it. Uploaded media lives for 30 days, received media for 7."
                .to_owned(),
            Self::NotFound { what: Missing::PhoneNumber(_), .. } => {
                "Use the phone number's id (not the number itself), and a token that owns it.".to_owned()
            }
            Self::Unauthorized(_) => {
                "Use a credential that is valid for this service: check that it is whole, not expired and not \
                 revoked."
                    .to_owned()
            }
            Self::Forbidden(_) => "Give the token the permission whatsapp_business_messaging.".to_owned(),
            Self::Throttled { retry_after: Some(wait), .. } => {
                format!("Wait {} s; until then every request is refused.", wait.as_secs())
            }
            Self::Throttled { retry_after: None, .. } => {
                "Wait, and send less at once; a block lasts half an hour to an hour.".to_owned()
            }
            Self::HeldBack { retry_after, .. } => format!(
                "Mend what fails first; there is room for another error in {} s. A larger budget risks that the \
                 vendor blocks the number.",
                retry_after.as_secs()
            ),
            Self::Expired(_) => "Resolve the media's id again; a link lives for five minutes.".to_owned(),
            Self::Upstream(answer) if (200..300).contains(&answer.status) || answer.status == 404 => {
                "Check that the base address is the API's, with the path that belongs to it.".to_owned()
            }
            Self::Upstream(answer) if (300..400).contains(&answer.status) => {
                "Use the address to which the service redirects as the base.".to_owned()
            }
            Self::Upstream(_) => "Try again later; if it stays, name the request's id to the vendor.".to_owned(),
            Self::Damaged(Damage::Coded(_)) => "Bypass the proxy that codes what it passes on.".to_owned(),
            Self::Damaged(_) => "Download it again; if it stays so, the service's copy is broken.".to_owned(),
            Self::Io { source, .. } => remedy_of_io(source).to_owned(),
            Self::Connection(error) if error.was_sent => {
                "Try again; a download to a path goes on where it broke.".to_owned()
            }
            Self::Connection(_) => {
                "Check the base address, the network, and HTTPS_PROXY if a proxy stands in between.".to_owned()
            }
            Self::ForeignHost { .. } => "If this host is the service's own, name it with media_hosts, or use it as \
                the base; else somebody tries to get the credential."
                .to_owned(),
            Self::BadLink(_) => "Resolve the media's id, and use the link as it comes.".to_owned(),
            Self::TooLong { .. } => "Download to a path, or allow more bytes.".to_owned(),
            Self::Invalid(_) => "Change what is asked for.".to_owned(),
        }
    }
}

impl Rejection {
    fn remedy(&self) -> String {
        match self {
            Self::Preflight { refusal, .. } => refusal.remedy.to_owned(),
            Self::Service(answer) if answer.code == Some(131_053) => {
                "Convert the file to what its type may be.".to_owned()
            }
            Self::Service(_) => {
                "Change what the service names; sending the same again will not help.".to_owned()
            }
        }
    }
}

fn remedy_of_io(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "Check the path.",
        io::ErrorKind::PermissionDenied => "Check the permissions of the file and its folder.",
        io::ErrorKind::AlreadyExists => "Choose another path, or allow what is there to be replaced.",
        io::ErrorKind::WouldBlock => "Wait until the other download is done.",
        io::ErrorKind::StorageFull => "Make room; the download goes on where it stopped.",
        io::ErrorKind::InvalidData => {
            "Leave the file alone while it is sent, and give its real length or none."
        }
        _ => "Check the file and its folder.",
    }
}
