//! Tables laid over tables: how presets change an experiment and methods change its common settings.
//!
//! Keys of the upper table win; tables below both are laid over one another in turn. A table whose `kind` changes is replaced
//! whole, since its other keys belong to the old kind. Lists are replaced, not joined.

use toml::{Table, Value};

/// Lays `upper` over `lower`.
pub(crate) fn lay_over(lower: &mut Table, upper: &Table) {
    for (key, value) in upper {
        match (lower.get_mut(key), value) {
            (Some(Value::Table(below)), Value::Table(above)) if same_kind(below, above) => {
                lay_over(below, above);
            }
            _ => {
                lower.insert(key.clone(), value.clone());
            }
        }
    }
}

fn same_kind(below: &Table, above: &Table) -> bool {
    above.get("kind").is_none_or(|kind| below.get("kind") == Some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_keys_win_and_other_kinds_replace() {
        let mut lower: Table = toml::from_str(
            "a = 1\nlist = [1, 2]\n[m]\nkind = 'ex2'\nwarmup = 3\n[m.g]\nn = 1\nk = 2\n[o]\nkind = 'x'\ny = 1",
        )
        .unwrap();
        let upper: Table =
            toml::from_str("list = [3]\n[m]\nwarmup = 4\n[m.g]\nn = 5\n[o]\nkind = 'z'").unwrap();
        lay_over(&mut lower, &upper);
        let expected: Table = toml::from_str(
            "a = 1\nlist = [3]\n[m]\nkind = 'ex2'\nwarmup = 4\n[m.g]\nn = 5\nk = 2\n[o]\nkind = 'z'",
        )
        .unwrap();
        assert_eq!(lower, expected);
    }
}
