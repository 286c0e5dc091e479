//! How the library is linked: it is loaded by a Python that it does not link to.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        // Without the symbols that nothing but a debugger reads.
        Ok("linux") => println!("cargo::rustc-cdylib-link-arg=-Wl,--strip-all"),
        // Python's own functions are found once it has loaded the library.
        Ok("macos") => println!("cargo::rustc-cdylib-link-arg=-Wl,-undefined,dynamic_lookup"),
        _ => {}
    }
}
