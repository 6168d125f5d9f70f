//! Deletes in 360dialog's dialect.

use crate::support::golden::{assert_same, whole};
use crate::support::{TestApp, Upload};

#[tokio::test]
async fn the_answer_is_as_configured() {
    for (setting, body) in [
        ("success", r#"{"success":true}"#),
        ("deleted", r#"{"deleted":true}"#),
        ("both", r#"{"success":true,"deleted":true}"#),
    ] {
        let app = TestApp::with(&[("d360.delete_answer", setting)]).await;
        let d360 = app.d360();
        let id = d360.keep(&Upload::png()).await;
        let headers = ["content-type: application/json; charset=UTF-8"];
        assert_same(&d360.delete(&id).await, &whole("200 OK", &headers, body));
        assert_eq!(d360.delete(&id).await.text(), r#"{"error":"Media not found"}"#);
        app.finish().await;
    }
}
