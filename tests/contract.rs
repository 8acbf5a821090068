//! Rules of the contract that a compiler does not know.
//!
//! What is hashed must have one encoding in every language, so `limn.plan.v1` may not use what encoders treat
//! differently. And the comments of the protos are the documentation, so nothing goes without.

#![cfg(test)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use limn_proto::{DESCRIPTORS, reason::Reason};
use prost::Message;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    MessageOptions, OneofDescriptorProto,
    field_descriptor_proto::{Label, Type},
};

/// The package that is hashed.
const HASHED: &str = "limn.plan.v1";

// Numbers of fields in descriptor.proto, which the paths of source comments are made of.
const FILE_MESSAGES: i32 = 4;
const FILE_ENUMS: i32 = 5;
const FILE_SERVICES: i32 = 6;
const MESSAGE_FIELDS: i32 = 2;
const MESSAGE_NESTED: i32 = 3;
const MESSAGE_ENUMS: i32 = 4;
const ENUM_VALUES: i32 = 2;
const SERVICE_METHODS: i32 = 2;

fn own_files() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    set.file
        .into_iter()
        .filter(|file| file.package().starts_with("limn."))
        .collect()
}

/// Everything in a file that would make the encoding of a message ambiguous.
fn ambiguities(file: &FileDescriptorProto) -> Vec<String> {
    let mut found: Vec<String> = file
        .dependency
        .iter()
        .map(|import| format!("{}: imports {import}", file.name()))
        .collect();
    if file.syntax() != "proto3" {
        found.push(format!("{}: is not proto3", file.name()));
    }
    for message in &file.message_type {
        ambiguities_of(message, message.name(), &mut found);
    }
    found
}

fn ambiguities_of(message: &DescriptorProto, path: &str, found: &mut Vec<String>) {
    if message.options.as_ref().is_some_and(MessageOptions::map_entry) {
        found.push(format!("{path}: is a map, and encoders order maps differently"));
    }
    if !message.extension_range.is_empty() {
        found.push(format!("{path}: has extensions"));
    }
    let mut last = 0;
    for field in &message.field {
        let path = format!("{path}.{}", field.name());
        if let Some(why) = ambiguous_type(field) {
            found.push(format!("{path}: {why}"));
        }
        // An optional field stands in a oneof that protoc makes up.
        if field.oneof_index.is_some() && !field.proto3_optional() {
            found.push(format!(
                "{path}: is in a oneof, and encoders place those differently"
            ));
        }
        if field.label() == Label::Repeated
            && field
                .options
                .as_ref()
                .is_some_and(|options| options.packed == Some(false))
        {
            found.push(format!("{path}: is not packed"));
        }
        if field.number() <= last {
            found.push(format!(
                "{path}: number {} does not follow {last}",
                field.number()
            ));
        }
        last = field.number();
    }
    for nested in &message.nested_type {
        ambiguities_of(nested, &format!("{path}.{}", nested.name()), found);
    }
}

fn ambiguous_type(field: &FieldDescriptorProto) -> Option<String> {
    match field.r#type() {
        Type::Double | Type::Float => Some("is floating point, which has several zeros and many NaNs".into()),
        Type::Group => Some("is a group".into()),
        Type::Uint64 | Type::Fixed64 => {
            Some("is an unsigned 64-bit number, which JavaScript and Java lack".into())
        }
        Type::Message | Type::Enum if !field.type_name().starts_with(&format!(".{HASHED}.")) => {
            Some(format!("{} is outside the package", field.type_name()))
        }
        _ => None,
    }
}

#[test]
fn every_hashed_message_has_one_encoding() {
    let files: Vec<_> = own_files()
        .into_iter()
        .filter(|file| file.package() == HASHED)
        .collect();
    assert!(
        files.iter().map(|file| file.message_type.len()).sum::<usize>() > 5,
        "the package has moved"
    );
    let found: Vec<String> = files.iter().flat_map(ambiguities).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_rules_find_what_they_are_meant_to_find() {
    let field = |name: &str, number, kind: Type| FieldDescriptorProto {
        name: Some(name.into()),
        number: Some(number),
        r#type: Some(kind.into()),
        ..FieldDescriptorProto::default()
    };
    let outside = FieldDescriptorProto {
        type_name: Some(".google.protobuf.Timestamp".into()),
        ..field("time", 4, Type::Message)
    };
    let in_oneof = FieldDescriptorProto {
        oneof_index: Some(0),
        ..field("choice", 5, Type::Int64)
    };
    let map_entry = DescriptorProto {
        name: Some("LabelsEntry".into()),
        options: Some(MessageOptions {
            map_entry: Some(true),
            ..MessageOptions::default()
        }),
        ..DescriptorProto::default()
    };
    let message = DescriptorProto {
        name: Some("Bad".into()),
        field: vec![
            field("ratio", 1, Type::Float),
            field("size", 3, Type::Uint64),
            field("late", 2, Type::String),
            outside,
            in_oneof,
        ],
        oneof_decl: vec![OneofDescriptorProto::default()],
        nested_type: vec![map_entry],
        ..DescriptorProto::default()
    };
    let file = FileDescriptorProto {
        name: Some("bad.proto".into()),
        syntax: Some("proto3".into()),
        dependency: vec!["google/protobuf/timestamp.proto".into()],
        message_type: vec![message],
        ..FileDescriptorProto::default()
    };
    let found = ambiguities(&file);
    let places: Vec<&str> = found.iter().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(
        places,
        [
            "bad.proto",
            "Bad.ratio",
            "Bad.size",
            "Bad.late",
            "Bad.time",
            "Bad.choice",
            "Bad.LabelsEntry"
        ]
    );
}

#[test]
fn everything_in_the_contract_has_a_comment() {
    let mut bare = Vec::new();
    let mut count = 0;
    for file in documented_files() {
        let comments = comments(&file);
        let mut look_at = |path: Vec<i32>, name: String| {
            count += 1;
            if !comments.contains(&path) {
                bare.push(format!("{}: {name}", file.name()));
            }
        };
        for (index, message) in (0..).zip(&file.message_type) {
            name_message(message, vec![FILE_MESSAGES, index], message.name(), &mut look_at);
        }
        for (index, entry) in (0..).zip(&file.enum_type) {
            name_enum(entry, &[FILE_ENUMS, index], entry.name(), &mut look_at);
        }
        for (index, service) in (0..).zip(&file.service) {
            let path = vec![FILE_SERVICES, index];
            look_at(path.clone(), service.name().into());
            for (index, method) in (0..).zip(&service.method) {
                let path = below(&path, SERVICE_METHODS, index);
                look_at(path, format!("{}.{}", service.name(), method.name()));
            }
        }
    }
    assert!(count > 300, "only {count} things were looked at");
    assert!(bare.is_empty(), "without a comment:\n{}", bare.join("\n"));
}

fn name_message(
    message: &DescriptorProto,
    path: Vec<i32>,
    name: &str,
    look_at: &mut impl FnMut(Vec<i32>, String),
) {
    if message.options.as_ref().is_some_and(MessageOptions::map_entry) {
        return;
    }
    for (index, field) in (0..).zip(&message.field) {
        look_at(
            below(&path, MESSAGE_FIELDS, index),
            format!("{name}.{}", field.name()),
        );
    }
    for (index, nested) in (0..).zip(&message.nested_type) {
        let nested_name = format!("{name}.{}", nested.name());
        name_message(nested, below(&path, MESSAGE_NESTED, index), &nested_name, look_at);
    }
    for (index, entry) in (0..).zip(&message.enum_type) {
        let enum_name = format!("{name}.{}", entry.name());
        name_enum(entry, &below(&path, MESSAGE_ENUMS, index), &enum_name, look_at);
    }
    look_at(path, name.into());
}

fn name_enum(
    entry: &EnumDescriptorProto,
    path: &[i32],
    name: &str,
    look_at: &mut impl FnMut(Vec<i32>, String),
) {
    look_at(path.to_vec(), name.into());
    for (index, value) in (0..).zip(&entry.value) {
        look_at(
            below(path, ENUM_VALUES, index),
            format!("{name}.{}", value.name()),
        );
    }
}

fn below(path: &[i32], field: i32, index: i32) -> Vec<i32> {
    [path, &[field, index]].concat()
}

/// Paths of everything that has a comment before it.
fn comments(file: &FileDescriptorProto) -> BTreeSet<Vec<i32>> {
    let locations = file.source_code_info.iter().flat_map(|source| &source.location);
    let commented = locations.filter(|location| !location.leading_comments().trim().is_empty());
    commented.map(|location| location.path.clone()).collect()
}

/// The files of the contract with their comments, which the embedded descriptors leave out.
fn documented_files() -> Vec<FileDescriptorProto> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    let mut compiler = protox::Compiler::new([&root]).unwrap();
    compiler.include_source_info(true).open_files(&paths).unwrap();
    // Through bytes, because the compiler has descriptor types of its own.
    FileDescriptorSet::decode(compiler.encode_file_descriptor_set().as_slice())
        .unwrap()
        .file
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            paths.push(path);
        }
    }
}

#[test]
fn every_enumeration_has_a_zero_that_means_nothing_was_said() {
    for file in own_files() {
        for entry in &file.enum_type {
            let first = entry
                .value
                .first()
                .map(|value| (value.number(), value.name().to_owned()));
            let (number, name) = first.unwrap();
            assert_eq!(number, 0, "{}", entry.name());
            assert!(name.ends_with("_UNSPECIFIED"), "{name}");
        }
    }
}

#[test]
fn reasons_are_different_words_in_upper_snake_case() {
    let mut seen = BTreeMap::new();
    for reason in Reason::ALL {
        let word = reason.as_str();
        let letters = word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        let snake = !word.starts_with('_') && !word.ends_with('_') && !word.contains("__");
        assert!(letters && snake && !word.is_empty(), "{word}");
        assert_eq!(seen.insert(word, *reason), None, "{word} is used twice");
        assert_eq!(Reason::parse(word), Some(*reason));
    }
    assert_eq!(Reason::parse("A_WORD_OF_A_NEWER_VERSION"), None);
}

/// The comment is what clients filter by.
#[test]
fn the_actions_of_the_audit_log_are_the_documented_ones() {
    let text = include_str!("../proto/limn/v1/account_service.proto");
    let (_, from) = text.split_once("// What was done: ").unwrap();
    let (comment, _) = from.split_once("string action").unwrap();
    let documented: BTreeSet<&str> = comment.split('"').skip(1).step_by(2).collect();
    let actions = limn_executor::records::AuditAction::ALL.iter();
    assert_eq!(documented, actions.map(|action| action.as_str()).collect());
}
