//! `docs/openapi.yaml` says every error text that the wire can say. That it names every route is the server's to test.

use wamedia_wire::d360::D360Error;
use wamedia_wire::graph::{GraphError, Verb};

const DOCUMENT: &str = include_str!("../../../../docs/openapi.yaml");

#[test]
fn every_graph_error_is_described() {
    let errors = [
        GraphError::authentication(),
        GraphError::permission(),
        GraphError::no_such_object(Verb::Get, "42"),
        GraphError::no_such_object(Verb::Delete, "42"),
        GraphError::no_such_object(Verb::Post, "42"),
        GraphError::foreign_number(),
        GraphError::messaging_product_required(),
        GraphError::file_required(),
        GraphError::unsupported_type("image/gif"),
        GraphError::too_large(),
        GraphError::media_rejected(""),
        GraphError::upload_rate(),
        GraphError::retrieval_blocked(),
        GraphError::internal(),
        GraphError::overloaded(),
        GraphError::unknown_path("…"),
        GraphError::method_not_allowed("PUT"),
    ];
    for error in errors {
        let GraphError { message, kind, code, details, .. } = &error;
        assert!(DOCUMENT.contains(message.as_ref()), "{message}");
        assert!(DOCUMENT.contains(&format!("code: {code}, ")) || *code == 2500, "{code}");
        assert!(DOCUMENT.contains(kind), "{kind}");
        assert!(DOCUMENT.contains(details.as_deref().unwrap_or_default()), "{details:?}");
    }
}

#[test]
fn every_d360_error_is_described() {
    let errors = [
        D360Error::authentication(),
        D360Error::permission(),
        D360Error::media_not_found(),
        D360Error::invalid_media_id(),
        D360Error::messaging_product_required(),
        D360Error::file_required(),
        D360Error::unsupported_type("image/gif"),
        D360Error::too_large(),
        D360Error::upload_rate(),
        D360Error::retrieval_blocked(),
        D360Error::internal(),
        D360Error::overloaded(),
        D360Error::unknown_path(),
        D360Error::method_not_allowed(),
    ];
    for D360Error { text, .. } in errors {
        assert!(DOCUMENT.contains(text.as_ref()), "{text}");
    }
}
