//! Names of images: `repository:tag@digest`.

/// Returns the name of an image without its tag and digest.
pub fn repository(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    // A colon before the last slash belongs to the port of a registry.
    let tag = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
    tag.map_or(name, |(repository, _)| repository)
}

#[cfg(test)]
mod tests {
    use super::repository;

    #[test]
    fn repository_removes_tag_and_digest() {
        for (image, expected) in [
            ("postgres", "postgres"),
            ("postgres:18", "postgres"),
            ("postgres:18@sha256:0123", "postgres"),
            ("registry.example.com:5000/team/postgres", "registry.example.com:5000/team/postgres"),
            ("registry.example.com:5000/postgres:18", "registry.example.com:5000/postgres"),
        ] {
            assert_eq!(repository(image), expected, "{image}");
        }
    }
}
