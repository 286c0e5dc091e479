//! The last 534 bytes of an extension: what DuckDB reads before it loads one.
//!
//! They are a custom section of WebAssembly, so that a `.wasm` file stays one:
//! a header of 22 bytes, eight fields of 32 bytes in reverse order, and room
//! for a signature of 256.

const FIELD: usize = 32;
const SIGNATURE: usize = 256;
const NAME: &[u8] = b"duckdb_signature";

/// What the fields say.
pub struct Footer<'a> {
    /// The platform as DuckDB calls it.
    pub platform: &'a str,
    /// The C API that the extension asks for: a DuckDB that has a later one of
    /// the same major version loads it.
    pub c_api: &'a str,
    /// The version of the extension, for `duckdb_extensions()`.
    pub version: &'a str,
}

impl Footer<'_> {
    /// # Errors
    /// A text that does not fit its field.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        // The eighth field comes first; three are unused, and the first marks an
        // extension of DuckDB.
        let fields = [
            "",
            "",
            "",
            "C_STRUCT",
            self.version,
            self.c_api,
            self.platform,
            "4",
        ];
        let mut bytes = section(FIELD * fields.len() + SIGNATURE);
        for text in fields {
            let room = FIELD.checked_sub(text.len());
            let room = room.ok_or_else(|| format!("'{text}' has more than {FIELD} bytes"))?;
            bytes.extend(text.as_bytes());
            bytes.extend(vec![0; room]);
        }
        // An extension that nobody has signed loads where unsigned ones may.
        bytes.extend([0; SIGNATURE]);
        Ok(bytes)
    }
}

/// The header of a custom section of WebAssembly that holds a vector of `length` bytes.
fn section(length: usize) -> Vec<u8> {
    const CUSTOM: u8 = 0;
    let mut content = vec![NAME.len() as u8];
    content.extend(NAME);
    content.extend(leb128(length));
    let mut header = vec![CUSTOM];
    header.extend(leb128(content.len() + length));
    header.extend(content);
    header
}

/// A number as WebAssembly writes it: seven bits a byte, the lowest first.
fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::Footer;

    const FOOTER: Footer<'_> = Footer {
        platform: "linux_amd64",
        c_api: "v1.2.0",
        version: "v0.1.0",
    };

    #[test]
    fn fields_stand_where_duckdb_reads_them() {
        let bytes = FOOTER.bytes().unwrap();
        assert_eq!(bytes.len(), 22 + 512);
        // A custom section of 531 bytes.
        assert_eq!(bytes[..4], [0, 0x93, 0x04, 16]);
        assert_eq!(&bytes[4..20], b"duckdb_signature");
        // A vector of 512 bytes.
        assert_eq!(bytes[20..22], [0x80, 0x04]);
        let field = |i: usize| {
            let end = bytes.len() - 256 - 32 * (i - 1);
            let text = &bytes[end - 32..end];
            String::from_utf8(text.to_vec())
                .unwrap()
                .trim_end_matches('\0')
                .to_owned()
        };
        let fields: Vec<String> = (1..=8).map(field).collect();
        assert_eq!(
            fields,
            [
                "4",
                "linux_amd64",
                "v1.2.0",
                "v0.1.0",
                "C_STRUCT",
                "",
                "",
                ""
            ]
        );
        assert!(bytes[bytes.len() - 256..].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn a_text_that_does_not_fit_is_refused() {
        let long = "v0.1.0-".repeat(5);
        let footer = Footer {
            version: &long,
            ..FOOTER
        };
        assert!(footer.bytes().unwrap_err().contains("32 bytes"));
    }
}
