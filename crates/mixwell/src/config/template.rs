//! Commented TOML from settings: every value written out, every field's doc comment above it.

use schemars::JsonSchema;
use serde::Serialize;
use toml::{Table, Value};

use super::schema::{Node, schema_of};

/// Writes `settings` as TOML with each field's doc comment above it; fields without a value are named in a comment.
pub fn commented<T: Serialize + JsonSchema>(settings: &T) -> Result<String, toml::ser::Error> {
    let table = Table::try_from(settings)?;
    let root = schema_of::<T>();
    let mut out = String::new();
    write_table(&mut out, &table, Node::new(&root), "");
    Ok(out)
}

/// Name, default and doc comment of each field of `settings`, for lists.
pub fn field_docs<T: Serialize + JsonSchema>(
    settings: &T,
) -> Result<Vec<(String, String, String)>, toml::ser::Error> {
    let table = Table::try_from(settings)?;
    let root = schema_of::<T>();
    let node = variant_of(Node::new(&root).resolve(), &table);
    let value = |name: &str| table.get(name).map_or_else(String::new, Value::to_string);
    Ok(node
        .fields()
        .iter()
        .filter(|f| f.name != "kind")
        .map(|f| (f.name.to_string(), value(f.name), first_line(f.node.description()).to_string()))
        .collect())
}

/// The variant of a tagged choice that the table holds, or the node itself.
fn variant_of<'s>(node: Node<'s>, table: &Table) -> Node<'s> {
    let node = node.resolve();
    let kind = table.get("kind").and_then(Value::as_str);
    node.variants()
        .into_iter()
        .find(|v| match v.kind() {
            Some(k) => Some(k) == kind,
            None => v.tag_key().is_some_and(|k| table.contains_key(k)),
        })
        .or_else(|| node.table_among_others())
        .unwrap_or(node)
}

fn write_table(out: &mut String, table: &Table, node: Node<'_>, path: &str) {
    let node = variant_of(node, table);
    let fields = node.fields();
    let describe = |name: &str| fields.iter().find(|f| f.name == name).and_then(|f| f.node.description());
    let is_section = |v: &Value| match v {
        Value::Table(_) => true,
        Value::Array(a) => !a.is_empty() && a.iter().all(Value::is_table),
        _ => false,
    };
    if let Some(kind) = table.get("kind") {
        comment(out, node.description());
        out.push_str(&format!("kind = {kind}\n"));
    }
    for (name, value) in table.iter().filter(|(n, v)| *n != "kind" && !is_section(v)) {
        comment(out, describe(name));
        out.push_str(&format!("{} = {value}\n", key(name)));
    }
    for field in fields.iter().filter(|f| f.name != "kind" && !table.contains_key(f.name)) {
        comment(out, field.node.description());
        out.push_str(&format!("# {} =\n", key(field.name)));
    }
    for (name, value) in table.iter().filter(|(_, v)| is_section(v)) {
        let inner_path = if path.is_empty() { key(name) } else { format!("{path}.{}", key(name)) };
        let field = fields.iter().find(|f| f.name == name).map(|f| f.node).or_else(|| node.free_values());
        let Some(field) = field else { continue };
        match value {
            Value::Array(items) => {
                for item in items.iter().filter_map(Value::as_table) {
                    out.push('\n');
                    comment(out, field.description());
                    out.push_str(&format!("[[{inner_path}]]\n"));
                    let of = field.resolve().items().unwrap_or(field);
                    write_table(out, item, of, &inner_path);
                }
            }
            Value::Table(inner) => {
                out.push('\n');
                comment(out, field.description());
                out.push_str(&format!("[{inner_path}]\n"));
                write_table(out, inner, field, &inner_path);
            }
            _ => {}
        }
    }
}

fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_string() } else { Value::String(name.to_string()).to_string() }
}

fn first_line(description: Option<&str>) -> &str {
    description.and_then(|d| d.split("\n\n").next()).unwrap_or("")
}

fn comment(out: &mut String, description: Option<&str>) {
    for line in first_line(description).lines() {
        out.push_str(&format!("# {}\n", line.trim()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        /// How many.
        ///
        /// A second paragraph.
        chains: usize,
        /// Perhaps.
        seed: Option<u64>,
        /// The shape.
        shape: Shape,
        /// The list.
        list: Vec<Shape>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
    enum Shape {
        /// Round.
        Circle {
            /// Half the width.
            radius: f64,
        },
    }

    #[test]
    fn a_template_reads_back_as_the_settings() {
        let settings = Settings {
            chains: 2,
            seed: None,
            shape: Shape::Circle { radius: 1.0 },
            list: vec![Shape::Circle { radius: 2.0 }, Shape::Circle { radius: 3.0 }],
        };
        let text = commented(&settings).unwrap();
        assert!(text.starts_with("# How many.\nchains = 2\n# Perhaps.\n# seed =\n"), "{text}");
        assert!(
            text.contains("[shape]\n# Round.\nkind = \"circle\"\n# Half the width.\nradius = 1.0\n"),
            "{text}"
        );
        assert_eq!(crate::config::parse::<Settings>(&text).unwrap().settings, settings);
    }
}
