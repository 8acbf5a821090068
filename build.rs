//! Compiles `proto/` without protoc: protox parses the files, prost and tonic generate the code.
//!
//! Two descriptor sets are made: one with source info, so that comments become documentation, and
//! one without, which is embedded for gRPC reflection and for the test of the digest rules.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to build scripts through the environment"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

type BuildResult<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> BuildResult<()> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut files = Vec::new();
    collect(Path::new("proto"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files)?;
    let documented = compiler.file_descriptor_set();

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(false);
    compiler.open_files(&files)?;
    let embedded = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptors.binpb"), &embedded)?;

    let json = feature("JSON");
    // pbjson needs its own copy of the well-known types; without JSON the lean ones do.
    let well_known = if json { "::pbjson_types" } else { "::prost_types" };
    tonic_prost_build::configure()
        .build_client(feature("CLIENT"))
        .build_server(feature("SERVER"))
        // The transport is the server's choice, and its connect() needs more of tonic than the stubs.
        .build_transport(false)
        .btree_map(".")
        .bytes(".")
        // A snapshot is far larger than the other events.
        .boxed(".limn.v1.ExecutionEvent.event.snapshot")
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", well_known)
        .emit_rerun_if_changed(false)
        .include_file("_all.rs")
        .compile_fds(documented)?;

    if json {
        pbjson_build::Builder::new()
            .register_descriptors(&embedded)?
            .btree_map(["."])
            .build(&[".limn"])?;
        // The implementations belong into the modules of their messages.
        for package in ["limn.plan.v1", "limn.v1"] {
            let module = out.join(format!("{package}.rs"));
            let with_json =
                fs::read_to_string(&module)? + &fs::read_to_string(out.join(format!("{package}.serde.rs")))?;
            fs::write(module, with_json)?;
        }
    }
    Ok(())
}

fn feature(name: &str) -> bool {
    env::var_os(format!("CARGO_FEATURE_{name}")).is_some()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> BuildResult<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
