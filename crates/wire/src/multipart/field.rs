//! A text field of a form, collected up to a bound.

use super::MultipartError;

/// The value of one text part while its data comes in.
#[derive(Debug)]
pub struct TextField {
    name: String,
    value: Vec<u8>,
    max_bytes: usize,
}

impl TextField {
    /// An empty field; `name` is said in errors.
    pub fn new(name: impl Into<String>, max_bytes: usize) -> Self {
        Self { name: name.into(), value: Vec::new(), max_bytes }
    }

    /// Adds a piece of the part's data.
    ///
    /// # Errors
    /// [`MultipartError::FieldTooLong`] beyond the bound; nothing beyond it is kept.
    pub fn push(&mut self, data: &[u8]) -> Result<(), MultipartError> {
        if data.len() > self.max_bytes - self.value.len() {
            return Err(MultipartError::FieldTooLong { name: self.name.clone(), max_bytes: self.max_bytes });
        }
        self.value.extend_from_slice(data);
        Ok(())
    }

    /// The whole value, once its part has ended.
    ///
    /// # Errors
    /// [`MultipartError::FieldNotUtf8`].
    pub fn finish(self) -> Result<String, MultipartError> {
        String::from_utf8(self.value).map_err(|_| MultipartError::FieldNotUtf8 { name: self.name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_ends_at_its_bound() {
        let mut field = TextField::new("type", 5);
        field.push(b"ab").unwrap();
        field.push("é".as_bytes()).unwrap();
        field.push(b"c").unwrap();
        assert_eq!(field.push(b"d"), Err(MultipartError::FieldTooLong { name: "type".into(), max_bytes: 5 }));
        assert_eq!(field.finish().unwrap(), "abéc");
    }

    #[test]
    fn a_field_is_text() {
        let mut field = TextField::new("type", 5);
        field.push(b"\xff").unwrap();
        assert_eq!(field.finish(), Err(MultipartError::FieldNotUtf8 { name: "type".into() }));
    }
}
