//! Paths in configs: relative to the config, with `${NAME}` for environment variables, so that a config can name data that lie elsewhere
//! on every machine.

use std::path::Path;

use crate::ConfigError;

/// The path, absolute.
///
/// # Errors
/// When it names a variable that is not set, or has a `${` without its `}`.
pub fn resolved_path(key: &str, path: &str, base: &Path) -> Result<String, ConfigError> {
    expanded(key, path, &|name| std::env::var(name).ok())
        .map(|path| base.join(path).to_string_lossy().into_owned())
}

fn expanded(key: &str, path: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, ConfigError> {
    let (mut out, mut rest) = (String::new(), path);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            return Err(ConfigError::new(key, path, "a `${` needs its `}`"));
        };
        let Some(value) = variable(name) else {
            let reason = format!("the environment variable {name} is not set; set it, or write the path out");
            return Err(ConfigError::new(key, path, reason));
        };
        out.push_str(before);
        out.push_str(&value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_and_missing_ones_named() {
        let variable = |name: &str| (name == "DATA").then(|| "/data".to_string());
        assert_eq!(expanded("k", "${DATA}/a/${DATA}b", &variable).unwrap(), "/data/a//datab");
        let error = expanded("data.train", "${NONE}/a", &variable).unwrap_err().to_string();
        assert!(error.contains("data.train") && error.contains("NONE is not set"), "{error}");
        assert!(expanded("k", "${DATA", &variable).is_err());
        assert_eq!(resolved_path("k", "a.gz", Path::new("/base")).unwrap(), "/base/a.gz");
        assert_eq!(resolved_path("k", "/a.gz", Path::new("/base")).unwrap(), "/a.gz");
    }
}
