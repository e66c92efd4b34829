//! The repository's own sources, read as syntax: what names what, leaving tests out.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, File, ImplItemFn, Item, ItemMod, ItemUse, UseTree, Visibility,
    visit::{self, Visit},
};

/// Returns the repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Reads a file of the repository.
pub fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Parses a source file of the repository.
pub fn parse(path: &str) -> File {
    syn::parse_file(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the names in a folder of the repository.
pub fn names_in(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// One source file of a crate, and the paths it names.
pub struct Source {
    /// The file, from the repository's root.
    pub file: String,
    /// The module it holds: empty for the crate's root.
    pub module: Vec<String>,
    /// Every path that begins at the crate's root, without `crate`.
    pub internal: BTreeSet<Vec<String>>,
    /// Every other path of two or more names, and every import.
    pub external: BTreeSet<Vec<String>>,
}

/// Reads all sources below `folder`, a crate's `src`, without its tests.
pub fn sources(folder: &str) -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root().join(folder), &mut files);
    let parsed: Vec<_> = files.iter().map(|file| (module_of(&root().join(folder), file), file)).collect();
    let read = |(module, file): &(Vec<String>, &PathBuf)| {
        let name = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let mut names = Names { module: module.clone(), ..Names::default() };
        names.visit_file(&parse(&name));
        (name, names)
    };
    let read: Vec<_> = parsed.iter().map(|each| (each.0.clone(), read(each))).collect();
    let tests: BTreeSet<_> = read.iter().flat_map(|(_, (_, names))| names.tests.clone()).collect();
    let shipped = read.into_iter().filter(|(module, _)| !tests.iter().any(|test| module.starts_with(test)));
    shipped.map(|(module, (file, names))| Source { file, module, internal: names.internal, external: names.external }).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn module_of(folder: &Path, file: &Path) -> Vec<String> {
    let path = file.strip_prefix(folder).unwrap().with_extension("");
    let names: Vec<_> = path.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    if names == ["lib"] || names == ["main"] { Vec::new() } else { names }
}

/// What a file names.
#[derive(Default)]
struct Names {
    module: Vec<String>,
    internal: BTreeSet<Vec<String>>,
    external: BTreeSet<Vec<String>>,
    tests: BTreeSet<Vec<String>>,
}

impl Names {
    fn add(&mut self, path: Vec<String>, imported: bool) {
        let up = path.iter().take_while(|name| *name == "super").count();
        let rest = |from: usize| path.iter().skip(from).cloned();
        match path.first().map(String::as_str) {
            Some("crate") => drop(self.internal.insert(rest(1).collect())),
            Some("self") => drop(self.internal.insert(self.module.iter().cloned().chain(rest(1)).collect())),
            Some("super") => {
                let base = self.module.iter().take(self.module.len().saturating_sub(up)).cloned();
                self.internal.insert(base.chain(rest(up)).collect());
            }
            Some(_) if imported || path.len() > 1 => drop(self.external.insert(path)),
            _ => {}
        }
    }

    fn imports(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => self.imports(&with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => self.add(with(name.ident.to_string()), true),
            UseTree::Rename(name) => self.add(with(name.ident.to_string()), true),
            UseTree::Glob(_) => self.add(before.to_vec(), true),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.imports(before, tree)),
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        } else if let Item::Mod(module) = item {
            self.tests.insert(self.module.iter().cloned().chain([module.ident.to_string()]).collect());
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        self.imports(&[], &import.tree);
    }

    /// `pub(super)` names nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect(), false);
        visit::visit_path(self, path);
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let cfg = attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"));
        cfg || attribute.path().is_ident("test")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Returns the names of an enum's variants.
pub fn variants(path: &str, name: &str) -> Vec<String> {
    let found = parse(path).items.into_iter().find_map(|item| match item {
        Item::Enum(item) if item.ident == name => Some(item),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{path} has no enum {name}")).variants.iter().map(|variant| variant.ident.to_string()).collect()
}

/// Returns the names of a struct's fields.
pub fn fields(path: &str, name: &str) -> Vec<String> {
    let found = parse(path).items.into_iter().find_map(|item| match item {
        Item::Struct(item) if item.ident == name => Some(item),
        _ => None,
    });
    let found = found.unwrap_or_else(|| panic!("{path} has no struct {name}"));
    found.fields.iter().filter_map(|field| field.ident.as_ref()).map(ToString::to_string).collect()
}

/// Returns a name as serde writes it with `rename_all = "snake_case"`.
pub fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[test]
fn names_are_found_wherever_they_stand() {
    let mut names = Names { module: vec!["flows".to_owned(), "contact".to_owned()], ..Names::default() };
    let file = r"
        use crate::{model::ids::Side, sync};
        use super::setup::rows as of;
        pub(super) fn f(a: reqwest::Client) { let local = 1; crate::adapters::wix::make(local); }
        mod inner { fn g() { super::h(); } }
        #[cfg(test)] mod tests { use crate::app; }
        #[cfg(test)] mod stub;
    ";
    names.visit_file(&syn::parse_str(file).unwrap());
    let joined = |paths: &BTreeSet<Vec<String>>| paths.iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(joined(&names.internal), ["adapters::wix::make", "flows::contact::h", "flows::setup::rows", "model::ids::Side", "sync"]);
    assert_eq!(joined(&names.external), ["reqwest::Client"]);
    assert_eq!(joined(&names.tests), ["flows::contact::stub", "flows::contact::tests"]);
}
