//! The probes: one file a format.
use crate::case::Case;
fn by_type(case: &mut Case<'_>) {
    if case.content.found().mime != case.declared.mime {
        case.note_other_type();
    }
}
macro_rules! probes { ($($name:ident { $($function:ident)+ })+) => { $(pub(crate) mod $name { $(pub(crate) fn $function(case: &mut crate::case::Case<'_>) { super::by_type(case) })+ })+ } }
probes! { aac { judge } amr { judge } mp4 { judge_audio judge_video } mpeg { judge } ole { judge } pdf { judge } ooxml { judge } text { judge } jpeg { judge } png { judge } webp { judge } }
pub(crate) mod ogg {
    use crate::case::Case;
    pub(crate) fn judge(case: &mut Case<'_>) {
        super::by_type(case);
    }
    pub(crate) fn refuse_opus(case: &mut Case<'_>) {
        case.note(crate::Rule::UnsupportedType, "audio/opus passes the upload list, and no message takes it");
    }
}
