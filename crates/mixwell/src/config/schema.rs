//! Views of a JSON schema: fields of a table, variants of a tagged choice.

use schemars::JsonSchema;
use serde_json::Value;

/// The JSON schema of a settings type.
pub fn schema_of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// A schema with the root that its references point into.
#[derive(Clone, Copy)]
pub(super) struct Node<'s> {
    pub root: &'s Value,
    pub schema: &'s Value,
}

/// One field of a table.
pub(super) struct Field<'s> {
    pub name: &'s str,
    pub node: Node<'s>,
}

impl<'s> Node<'s> {
    pub fn new(root: &'s Value) -> Self {
        Self { root, schema: root }
    }

    fn at(self, schema: &'s Value) -> Self {
        Self { schema, ..self }
    }

    fn list(self, key: &str) -> impl Iterator<Item = Node<'s>> {
        self.schema.get(key).and_then(Value::as_array).into_iter().flatten().map(move |s| self.at(s))
    }

    /// What a `$ref` of this node points to.
    fn referred(self) -> Option<Node<'s>> {
        let path = self.schema.get("$ref")?.as_str()?.strip_prefix('#')?;
        self.root.pointer(path).map(|s| self.at(s))
    }

    /// This node without the layers that add nothing: references and "or null".
    pub fn resolve(self) -> Node<'s> {
        let is_null = |n: &Node| n.schema.get("type").and_then(Value::as_str) == Some("null");
        if self.schema.get("properties").is_none()
            && let Some(target) = self.referred()
        {
            return target.resolve();
        }
        let mut alternatives = self.list("anyOf").filter(|n| !is_null(n));
        match (alternatives.next(), alternatives.next()) {
            (Some(only), None) => only.resolve(),
            _ => self,
        }
    }

    /// The fields of a table, those of referred and combined schemas included.
    pub fn fields(self) -> Vec<Field<'s>> {
        let mut fields = Vec::new();
        if let Some(properties) = self.schema.get("properties").and_then(Value::as_object) {
            fields.extend(properties.iter().map(|(name, s)| Field { name, node: self.at(s) }));
        }
        for part in self.referred().into_iter().chain(self.list("allOf")) {
            for field in part.fields() {
                if !fields.iter().any(|f| f.name == field.name) {
                    fields.push(field);
                }
            }
        }
        fields
    }

    /// The variants of a choice; those of a choice inside it are on one level with its own.
    pub fn variants(self) -> Vec<Node<'s>> {
        let own = self.list("oneOf").chain(self.list("anyOf"));
        let flat = own.flat_map(|variant| {
            let inner = variant.resolve();
            let nested = if inner.schema.get("properties").is_some() { Vec::new() } else { inner.variants() };
            if nested.is_empty() { vec![variant] } else { nested }
        });
        flat.collect()
    }

    /// The value of the tag `kind` of a tagged variant.
    pub fn kind(self) -> Option<&'s str> {
        self.schema.pointer("/properties/kind/const").and_then(Value::as_str)
    }

    /// Of a choice between a table and something that is none, such as a name or what it stands for: the table.
    pub fn table_among_others(self) -> Option<Node<'s>> {
        let variants = self.variants();
        let is_table = |v: &Node<'s>| v.resolve().types().contains(&"object") && v.tag_key().is_none();
        let tables: Vec<_> = variants.iter().filter(|v| is_table(v)).collect();
        match tables.as_slice() {
            [one] if one.kind().is_none() && variants.len() > 1 => Some(one.resolve()),
            _ => None,
        }
    }

    /// The only key of an externally tagged variant.
    pub fn tag_key(self) -> Option<&'s str> {
        let required = self.schema.get("required")?.as_array()?;
        match required.as_slice() {
            [one] if self.kind().is_none() => one.as_str(),
            _ => None,
        }
    }

    /// The strings a choice of strings accepts.
    pub fn words(self) -> Vec<&'s str> {
        let mut words: Vec<&str> = self
            .schema
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        words.extend(self.schema.get("const").and_then(Value::as_str));
        for variant in self.variants() {
            words.extend(variant.words());
        }
        words
    }

    /// The JSON types accepted here; empty when anything is.
    pub fn types(self) -> Vec<&'s str> {
        match self.schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The schema of array items, and of the values of a free table.
    pub fn items(self) -> Option<Node<'s>> {
        self.schema.get("items").filter(|s| s.is_object()).map(|s| self.at(s))
    }

    /// The schema of the values under free keys.
    pub fn free_values(self) -> Option<Node<'s>> {
        self.schema.get("additionalProperties").filter(|s| s.is_object()).map(|s| self.at(s))
    }

    /// The doc comment, on one line per paragraph.
    pub fn description(self) -> Option<&'s str> {
        self.schema
            .get("description")
            .and_then(Value::as_str)
            .or_else(|| self.referred().and_then(|n| n.schema.get("description").and_then(Value::as_str)))
    }
}
